import azure.functions as func

app = func.FunctionApp()


@app.route(route="x")
def handler(request: func.HttpRequest) -> str:
    return "the parameter is not named req"
