"""Beginnings of what the Functions host hides in the text of a failed function, up to the next quote."""

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
