// Connects from the bare address: connect.mjs URL. Prints where to open a browser, reads where the
// browser was sent back to, and prints what it can call then, and what it is told after a line more.
import { createInterface } from "node:readline";
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";

const url = new URL(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const readLine = async () => (await lines.next()).value;
const say = (value) => console.log(JSON.stringify(value));

const kept = {};
const provider = {
  redirectUrl: "http://127.0.0.1:33418/callback",
  clientMetadata: { client_name: "TypeScript", redirect_uris: ["http://127.0.0.1:33418/callback"] },
  state: () => "the state",
  clientInformation: () => kept.client,
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  redirectToAuthorization: (address) => say({ open: String(address) }),
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
};

const connect = async () => {
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
  const transport = new StreamableHTTPClientTransport(url, { authProvider: provider });
  try {
    await client.connect(transport);
    return client;
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    await transport.finishAuth(new URL(await readLine()).searchParams);
    return connect();
  }
};

const client = await connect();
const { tools } = await client.listTools();
say({ tools: tools.map((tool) => tool.name), registered: kept.client.token_endpoint_auth_method });

await readLine(); // its access token has expired meanwhile
const before = kept.tokens.access_token;
const { content } = await client.callTool({ name: "search_memories", arguments: { query: "dog" } });
say({ found: content[0].text, renewed: kept.tokens.access_token !== before });

await readLine(); // it was revoked meanwhile
try {
  await client.callTool({ name: "search_memories", arguments: { query: "dog" } });
  say({ refused: false });
} catch (error) {
  say({ refused: true });
}
process.exit(0);
