"""The keys of the tests' accounts: words that must be found nowhere but in the requests."""

TTAPI_KEY = "ttapi-secret-0451"
NOVITA_KEY = "novita-secret-7719"
