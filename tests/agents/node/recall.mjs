// Asks for what is remembered: recall.mjs URL KEY TRANSPORT VERSIONS, and prints what it was told.
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const [url, key, transport, mode] = process.argv.slice(2);
const Transport = transport === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
const headers = { Authorization: `Bearer ${key}` };
const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });

await client.connect(new Transport(new URL(url), { requestInit: { headers } }));
const { tools } = await client.listTools();
const { name } = tools.find((tool) => tool.name.startsWith("search_memor"));
const found = await client.callTool({ name, arguments: { query: "What scares the dog?" } });
console.log(JSON.stringify({ version: client.getNegotiatedProtocolVersion(), found }));
await client.close();
