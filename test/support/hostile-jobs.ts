const PAGE = '"pageId":"p1","conversationId":"c1"';

function requestOf(message: string, more = ''): string {
  return `{${PAGE},"message":${message}${more}}`;
}

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

/** Fields that somebody with access to Redis could write into a job's hash, each applied alone. */
export const hostileFields: Readonly<Record<string, Record<string, string>>> = {
  'data that is no JSON': { data: '{"pageId":"p1","conv' },
  'data that is null': { data: 'null' },
  'data that is a number': { data: '7' },
  'data that is a text': { data: '"text"' },
  'data that is a list': { data: '[]' },
  'data of another version': { data: '{"v":99}' },
  'data as an earlier version stored it': { data: `{"v":1,"request":${requestOf('{"type":"text","text":"x"}')}}` },
  'no data': { data: '' },
  'data that is nested deeply': { data: nested(100_000) },
  'a message without a text': { data: requestOf('{"type":"text"}') },
  'a text that is a number': { data: requestOf('{"type":"text","text":7}') },
  'a text that is an object with toJSON': { data: requestOf('{"type":"text","text":{"toJSON":"x"}}') },
  'a type that there is not': { data: requestOf('{"type":"sticker","text":"x"}') },
  'a message with another field': { data: requestOf('{"type":"text","text":"x","to":"all"}') },
  'a request with another field': { data: requestOf('{"type":"text","text":"x"}', ',"admin":true') },
  'a message with __proto__': { data: requestOf('{"type":"text","text":"x","__proto__":{"url":"http://x"}}') },
  'a request with __proto__': { data: requestOf('{"type":"text","text":"x"}', ',"__proto__":{"apikey":"x"}') },
  'a message with constructor': { data: requestOf('{"type":"text","text":"x","constructor":{"prototype":{}}}') },
  'a text of 10 MB': { data: requestOf(`{"type":"text","text":"${'x'.repeat(10 * 1024 * 1024)}"}`) },
  'a text of more than 64 KiB': { data: requestOf(`{"type":"text","text":"${'x'.repeat(65 * 1024)}"}`) },
  'a template that is nested deeply': { data: requestOf(`{"type":"template","template":${nested(50_000)}}`) },
  'an address that is no http': { data: requestOf('{"type":"image","url":"javascript:alert(1)"}') },
  'a page id with a line break': {
    data: '{"pageId":"p\\n1","conversationId":"c1","message":{"type":"text","text":"x"}}',
  },
  'a page id of 1 MB': {
    data: `{"pageId":"${'p'.repeat(1024 * 1024)}","conversationId":"c1","message":{"type":"text","text":"x"}}`,
  },
  'a request of another page': {
    data: '{"pageId":"another","conversationId":"c1","message":{"type":"text","text":"x"}}',
  },
  'a label of 1 MB': { label: 'l'.repeat(1024 * 1024) },
  'a policy that there is not': { policy: 'ask' },
  'the id of a replayed letter of 1 MB': { replays: 'x'.repeat(1024 * 1024) },
  'no end': { exp: '' },
  'an end that is no number': { exp: 'tomorrow' },
};

/** Fields that don't affect what is sent, so that the message is delivered like any other. */
export const harmlessFields: Readonly<Record<string, Record<string, string>>> = {
  'a time that is none': { timestamp: 'yesterday' },
  'attempts that are no number': { used: 'many' },
  'crashes that are no number': { crashes: 'many' },
  'a turn that is no number': { turn: 'mine' },
  'a name of 1 MB': { name: 'n'.repeat(1024 * 1024) },
  'a trace that is none': { trace: '00-trace-span-01' },
  'a trace of 1 MB': { trace: 't'.repeat(1024 * 1024) },
  'a history that is none': { history: 'x\n[1]\n[null,null,null,null,null,null]' },
  'a next time that is none': { next: 'soon' },
  'options of another kind': { opts: '5' },
  'options that are no JSON': { opts: '{"' },
  'options that are null': { opts: 'null' },
  'progress that is no JSON': { progress: '{"' },
  'a parent that is no JSON': { parent: '{"' },
  'the key of a job scheduler': { rjk: 'evil', opts: '{"repeat":{"every":1},"jobId":"evil"}', nrjid: 'evil' },
  'a failure that BullMQ defers': { defa: 'job stalled more than allowable limit', atm: '99', ats: '99', stc: '99' },
  'a parent, and what BullMQ does for it': {
    parentKey: 'x:y',
    parent: '{"id":"y","queueKey":"x"}',
    fpof: '1',
    cpof: '1',
  },
  'the key of a deduplication': { deid: 'evil' },
  'a stack trace that is none': { stacktrace: '{"' },
};
