// Calls the tool of the filled snippet, as the AI SDK would: `node run.mjs <compiled snippet>`.
import { pathToFileURL } from "node:url";

import { runWithAIContext } from "@auth0/ai-vercel";

const { bitbucketTools } = await import(pathToFileURL(process.argv[2]));
const tools = bitbucketTools(async () => process.env.AUTH0_REFRESH_TOKEN);
const user = await runWithAIContext({ threadID: "of-one-user" }, () =>
  tools.get_bitbucket_user.execute({}, { toolCallId: "1", messages: [] }),
);
console.log(JSON.stringify(user));
