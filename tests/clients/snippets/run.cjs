// Calls the tool of the compiled snippet, as the AI SDK would: `node run.cjs <snippet>`.
//
// By `require`, since Auth0's packages name their own modules without extensions, which only a bundler
// resolves otherwise.
const { runWithAIContext } = require("@auth0/ai-vercel");

const { bitbucketTools } = require(process.argv[2]);
const tools = bitbucketTools(async () => process.env.AUTH0_REFRESH_TOKEN);
runWithAIContext({ threadID: "of-one-user" }, () =>
  tools.get_bitbucket_user.execute({}, { toolCallId: "1", messages: [] }),
).then((user) => console.log(JSON.stringify(user)));
