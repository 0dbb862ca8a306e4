import {
  AccessTokenForConnectionError,
  AccessTokenForConnectionErrorCode,
} from "@auth0/nextjs-auth0/errors";
import { NextResponse } from "next/server";

import { auth0 } from "../../../lib/auth0";

/** The signed-in user's Bitbucket account. */
export async function GET() {
  try {
    const { token } = await auth0.getAccessTokenForConnection({ connection: "bitbucket" });
    const answer = await fetch("https://api.bitbucket.org/2.0/user", {
      headers: { authorization: `Bearer ${token}` },
      cache: "no-store",
    });
    return NextResponse.json(await answer.json(), { status: answer.status });
  } catch (error) {
    if (!(error instanceof AccessTokenForConnectionError)) {
      throw error;
    }
    // Nobody is signed in, or the session is older than the scope `offline_access`; else no account is
    // linked, or Bitbucket no longer accepts it.
    const next =
      error.code === AccessTokenForConnectionErrorCode.FAILED_TO_EXCHANGE
        ? "/auth/connect?connection=bitbucket&returnTo=/"
        : "/auth/login";
    return NextResponse.json({ error: error.code, next }, { status: 401 });
  }
}
