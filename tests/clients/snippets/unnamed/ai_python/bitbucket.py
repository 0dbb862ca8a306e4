import os

import httpx
from auth0_ai_langchain.auth0_ai import Auth0AI
from auth0_ai_langchain.token_vault import TokenVaultError, get_access_token_from_token_vault
from langchain_core.tools import tool

auth0_ai = Auth0AI(
    {
        "domain": "acme.eu.auth0.com",
        "client_id": os.environ["AUTH0_CLIENT_ID"],
        "client_secret": os.environ["AUTH0_CLIENT_SECRET"],
    }
)

# The user's Auth0 refresh token is taken from the run's configuration:
# `{"configurable": {"_credentials": {"refresh_token": …}}}`. Where no account is linked, the graph is
# interrupted: send the user through Connected Accounts for the connection, then resume.
with_bitbucket = auth0_ai.with_token_vault(
    connection="bitbucket",
    # Bitbucket grants what its consumer has, so there is nothing to ask for here. A scope that
    # Bitbucket names in another way would ask for consent over and over.
    scopes=[],
)


@with_bitbucket
@tool
def get_bitbucket_user() -> dict:
    """Get the user's Bitbucket account."""
    answer = httpx.get(
        "https://api.bitbucket.org/2.0/user",
        headers={"Authorization": f"Bearer {get_access_token_from_token_vault()}"},
    )
    if answer.status_code == 401:
        raise TokenVaultError("Bitbucket no longer accepts the linked account")
    answer.raise_for_status()
    return answer.json()
