import { Auth0Client } from "@auth0/nextjs-auth0/server";

// From the environment besides: AUTH0_CLIENT_SECRET, AUTH0_SECRET (32 random bytes in hex, for the
// session cookie) and APP_BASE_URL.
export const auth0 = new Auth0Client({
  domain: "acme.eu.auth0.com",
  clientId: "nT4bW7cRq2xYz9KpLm3vHs6dFg8jAe5u",
  // Token Vault takes the refresh token for the user.
  authorizationParameters: { scope: "openid profile email offline_access" },
  // /auth/connect?connection=bitbucket&returnTo=/ links an account.
  enableConnectAccountEndpoint: true,
});
