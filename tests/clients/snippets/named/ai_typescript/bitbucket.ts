import { Auth0AI, getAccessTokenFromTokenVault } from "@auth0/ai-vercel";
import { TokenVaultError } from "@auth0/ai/interrupts";
import { tool } from "ai";
import { z } from "zod/v3";

const auth0AI = new Auth0AI({
  auth0: {
    domain: "acme.eu.auth0.com",
    clientId: "nT4bW7cRq2xYz9KpLm3vHs6dFg8jAe5u",
    clientSecret: process.env.AUTH0_CLIENT_SECRET,
  },
});

/**
 * Tools that work in Bitbucket as the user whose Auth0 refresh token `refreshToken` gives.
 *
 * Call `setAIContext({ threadID })` before the model runs, with an id that is this user's alone: the
 * token is kept under it.
 *
 * Where no account is linked, a call throws a `TokenVaultInterrupt`: send the user through Connected
 * Accounts for the connection, then call again.
 *
 * The packages' ES modules need a bundler, as Next.js has one; compile to CommonJS for plain Node.
 */
export function bitbucketTools(refreshToken: () => Promise<string | undefined>) {
  const withBitbucket = auth0AI.withTokenVault({
    connection: "bitbucket",
    // Bitbucket grants what its consumer has, so there is nothing to ask for here. A scope that
    // Bitbucket names in another way would ask for consent over and over.
    scopes: [],
    refreshToken,
  });

  return {
    get_bitbucket_user: withBitbucket(
      tool({
        description: "Get the user's Bitbucket account.",
        inputSchema: z.object({}),
        execute: async () => {
          const answer = await fetch("https://api.bitbucket.org/2.0/user", {
            headers: { authorization: `Bearer ${getAccessTokenFromTokenVault()}` },
          });
          if (answer.status === 401) {
            throw new TokenVaultError("Bitbucket no longer accepts the linked account");
          }
          if (!answer.ok) {
            throw new Error(`Bitbucket answered ${answer.status}`);
          }
          return (await answer.json()) as { uuid: string; nickname?: string };
        },
      }),
    ),
  };
}
