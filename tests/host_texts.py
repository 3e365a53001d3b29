"""In the text of a failed function the Functions host hides what follows one of these, up to the next quote."""

HIDDEN_FROM = (
    *(
        "key=",
        "KEY=",
        "customer_key=",
        "Token=",
        "Server=",
        "pwd=",
        "Password=",
        "Data Source=",
        "AccountKey=",
    ),
    *("SharedAccessKey=", "DefaultEndpointsProtocol=https", "?sig=", "&sig=", "?code=", "&code=", "/code="),
)
