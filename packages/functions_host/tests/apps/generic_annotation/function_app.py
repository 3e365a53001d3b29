import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="payload")
def act(payload: dict[str, str]) -> str:
    return payload["x"]
