#!/bin/sh
# Prints the Bitbucket account of the user whose Auth0 refresh token is in AUTH0_REFRESH_TOKEN.
# It needs curl and jq. The secrets go through pipes, so that no other process sees them.
set -eu
: "${AUTH0_CLIENT_SECRET:?}" "${AUTH0_REFRESH_TOKEN:?}"

answer=$(
  jq --null-input --arg client_id "nT4bW7cRq2xYz9KpLm3vHs6dFg8jAe5u" '{
    grant_type: "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
    subject_token_type: "urn:ietf:params:oauth:token-type:refresh_token",
    subject_token: env.AUTH0_REFRESH_TOKEN,
    requested_token_type: "http://auth0.com/oauth/token-type/federated-connection-access-token",
    connection: "bitbucket",
    client_id: $client_id,
    client_secret: env.AUTH0_CLIENT_SECRET
  }' | curl --silent --show-error --max-time 20 \
    --header 'content-type: application/json' --data-binary @- 'https://acme.eu.auth0.com/oauth/token'
)

# `federated_connection_refresh_token_not_found`: no account is linked.
# `federated_connection_refresh_token_flow_failed`: Bitbucket no longer accepts it; link it again.
error=$(printf '%s' "$answer" | jq --raw-output '.error // empty')
if [ -n "$error" ]; then
  printf 'Auth0 gave no token: %s\n' "$error" >&2
  exit 1
fi

printf '%s' "$answer" | jq --raw-output '"authorization: Bearer " + .access_token' |
  curl --silent --show-error --fail --max-time 20 --header @- 'https://api.bitbucket.org/2.0/user'
