// Call every public method of Mem0's JavaScript client, and print what each said, as JSON.
//
//     node every_mem0_method.mjs URL KEY RIVAL_KEY
import mem0 from 'mem0ai';

const MemoryClient = mem0.default ?? mem0.MemoryClient ?? mem0;
const [host, ...keys] = process.argv.slice(2);

// Calls a client by the names of its methods, and notes what each said.
function callerOf(apiKey) {
  const client = new MemoryClient({apiKey, host});
  const said = {};
  const called = new Set();
  const call = async (name, values, show = (answer) => answer, label = name) => {
    called.add(name);
    try {
      const answer = await client[name](...values);
      said[label] = show(answer) ?? null;
      return answer;
    } catch (error) {
      said[label] = error.name;
    }
  };
  const methods = Object.getOwnPropertyNames(MemoryClient.prototype);
  const uncalled = () => methods.filter((name) => /^(?!constructor$)[a-z]/.test(name) && !called.has(name));
  return Object.assign(call, {client, said, uncalled});
}

const texts = (answer) => answer.results.map((row) => row.memory);
const message = (answer) => answer.message;
const ann = {filters: {user_id: 'ann'}};
const [call, rival] = keys.map(callerOf);

await call('ping', []);
const messages = [{role: 'user', content: 'I live in Bonn'}];
const options = {userId: 'ann', infer: false, metadata: {some_key: 1}};
const added = await call('add', [messages, options], texts);
const {id} = added.results[0];
await call('get', [id], (row) => [row.memory, row.userId, row.agentId, row.metadata]);
await call('getAll', [ann], texts);
await call('getAll', [{filters: {userId: 'ann'}}], (answer) => answer.count, 'getAll, camel');
await call('search', ['Where does Ann live?', {...ann, topK: 5}], texts);
await call('update', [id, {text: 'I live in Oslo'}], (row) => row.memory);
await call('history', [id], (lines) => lines.map((line) => line.event));
await call('users', [], (answer) => answer.results.map((row) => row.name));
await call('batchUpdate', [[{memoryId: id, text: 'I live in Rome'}]], message);
await call('feedback', [{memoryId: id, feedback: 'POSITIVE'}], (answer) => answer.feedback);

await call('createMemoryExport', [{schema: {}, ...ann}]);
await call('getMemoryExport', [{memoryExportId: id}]);
await call('getProfileSettings', [], (answer) => answer.enabled);
await call('updateProfileSettings', [{enabled: true}]);
await call('getProfile', [{entityId: 'ann'}], (answer) => answer.status);
await call('generateProfile', [{entityId: 'ann'}]);
await call('sampleProfiles', [{limit: 1}]);
await call('getProfileJob', [id]);

const fields = ['custom_instructions'];
await call('updateProject', [{customInstructions: 'Be brief.'}], message);
await call('getProject', [{fields}], (answer) => answer.customInstructions);

const hook = {url: 'https://example.org/', name: 'hook', eventTypes: ['memory_add']};
const {webhookId} = await call('createWebhook', [hook], (row) => row.eventTypes);
await call('getWebhooks', [], (hooks) => hooks.map((row) => row.name));
const other = {...hook, name: 'other', webhookId};
await call('updateWebhook', [other], message);

// Another account reaches none of it.
await rival('get', [id]);
await rival('update', [id, {text: 'x'}]);
await rival('history', [id]);
await rival('delete', [id]);
await rival('batchUpdate', [[{memoryId: id, text: 'x'}]]);
await rival('batchDelete', [[id]]);
await rival('feedback', [{memoryId: id, feedback: 'NEGATIVE'}]);
await rival('deleteUsers', [{userId: 'ann'}]);
await rival('updateWebhook', [other]);
await rival('deleteWebhook', [{webhookId}]);
await rival('getAll', [ann], texts);
await rival('search', ['Where does Ann live?', ann], texts);
await rival('deleteAll', [{userId: 'ann'}], message);
await rival('users', [], (answer) => answer.count);
await call('get', [id], (row) => row.memory, 'still there');
await call('getWebhooks', [], (hooks) => hooks.length, 'still listening');

await call('deleteWebhook', [{webhookId}], message);
await call('deleteAll', [ann], undefined, 'deleteAll by filters');
await call('deleteAll', [{}], undefined, 'deleteAll of nobody');
await call('delete', [id], message);
await call('get', [id], undefined, 'get what is gone');
await call('get', ['x'], undefined, 'get what is no id');
const odd = {userId: 'al/ice ü', infer: false};
const second = await call('add', [[{role: 'user', content: 'I like tea'}], odd], texts, 'add, odd');
await call('batchDelete', [[second.results[0].id]], message);
await call('deleteAll', [{userId: 'al/ice ü'}], message);
const users = await call('users', [], (answer) => answer.count, 'users, odd');
const entity = users.results.find((row) => row.name === 'ann');
await call('deleteUser', [{entity_id: entity.id, entity_type: 'user'}], message);
await call('deleteUsers', [{userId: 'al/ice ü'}], message);
await call('users', [], (answer) => answer.count, 'users, after all');

const wrong = callerOf('nonsense');
await wrong('ping', []);
console.log(JSON.stringify([call.said, rival.said, call.uncalled(), wrong.said.ping]));
process.exit(0);
