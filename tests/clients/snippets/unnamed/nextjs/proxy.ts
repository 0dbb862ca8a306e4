import type { NextRequest } from "next/server";

import { auth0 } from "./lib/auth0";

// In Next.js 15 and before, this file is `middleware.ts` and the function `middleware`.
export async function proxy(request: NextRequest) {
  return await auth0.middleware(request);
}

export const config = {
  matcher: ["/((?!_next/static|_next/image|favicon.ico|sitemap.xml|robots.txt).*)"],
};
