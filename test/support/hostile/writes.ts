import fc from 'fast-check';

/** What there is to name: filled by the test while the installation works. */
export interface Named {
  pages: string[];
  lanes: string[];
  /** The ids of messages, in the order of storing. */
  ids: string[];
}

/** What hostile writes are about. */
export interface Targets {
  /** Everything of these may be written and removed. */
  attacked: Named;
  /**
   * These are named in entries of others, and in all sets of the shard. Their jobs and lanes are not written to, except that a lane
   * gets entries that don't belong there: who may write a queue may forge, reorder and delete its messages, as SECURITY.md says.
   */
  others: Named;
}

/** A command with its arguments, made when it is sent: then it names the messages that are under way. */
export type HostileWrite = (targets: Targets) => string[];

type Text = (targets: Targets) => string;

const ROOT = '{kitechat:0}:';
const LONG = 'x'.repeat(100_000);
const RECENT = 30;

const always =
  (text: string): Text =>
  () =>
    text;
const oneOf = (...texts: string[]): fc.Arbitrary<Text> => fc.constantFrom(...texts).map(always);

/** One of a list, mostly one of the last. */
function named(list: (targets: Targets) => readonly string[]): fc.Arbitrary<Text> {
  return fc.tuple(fc.nat(), fc.nat(9)).map(([n, luck]) => (targets) => {
    const all = list(targets);
    const some = luck < 8 ? all.slice(-RECENT) : all;
    return some[n % Math.max(1, some.length)] ?? 'none';
  });
}

/** The ids of a few jobs that no producer stored, so that later writes meet those of earlier ones. */
const forgedId = fc.constantFrom(...'0123456789ABCDEF').map((last) => always(`0-01ARZ3NDEKTSV4RRFFQ69G5FF${last}`));
const unknownShard = oneOf('1-01ARZ3NDEKTSV4RRFFQ69G5FAV', 'zz-01ARZ3NDEKTSV4RRFFQ69G5FAV');

const nonsense = fc.oneof(
  oneOf('', ' ', '/', '*', '.', '%', '%s', '\n', '\0', 'x', '/x', 'x/', 'x/y/z', 'null', '[]', '{"', '[1,', '"', '-'),
  oneOf('__proto__', 'constructor', 'toString', 'meta', 'wait', 'marker', 'lock', 'undefined', 'true', LONG),
  oneOf('p1', 'p1/', '*/*', '~', '~/~', ':lock', '0000000000000001:', ':', '0:x'),
  fc.string({ unit: 'binary', maxLength: 40 }).map(always),
);

const number = fc.oneof(
  oneOf('0', '-0', '1', '-1', '0.5', '7', '1e12', '9e11', '-3e12', '1e13', '2e13', '25000000000000', '3e13', '3.1e13'),
  oneOf(
    'inf',
    '-inf',
    '+inf',
    'nan',
    '1e308',
    '-1e308',
    '1e-320',
    '9e15',
    '9007199254740993',
    '0x10',
    '1_000',
    ' 1',
    '1 ',
  ),
  oneOf('9223372036854775807', '-9223372036854775808', '18446744073709551616', '99999999999999999999999999'),
  fc.integer({ min: -20_000, max: 20_000 }).map((ms) => () => String(Date.now() + ms)),
  fc.integer({ min: -100, max: 100_000 }).map((n) => always(String(n))),
);

const attackedId = fc.oneof({ weight: 5, arbitrary: named(({ attacked }) => attacked.ids) }, forgedId);
const otherId = named(({ others }) => others.ids);
const foreignId = fc.oneof({ weight: 4, arbitrary: attackedId }, unknownShard, nonsense);
const anyId = fc.oneof({ weight: 2, arbitrary: attackedId }, { weight: 3, arbitrary: otherId }, unknownShard, nonsense);
const attackedLane = fc.oneof(
  { weight: 5, arbitrary: named(({ attacked }) => attacked.lanes) },
  oneOf('v1/forged', 'forged/c1', 'forged/c2', '~x/~y', LONG),
);
const otherLane = named(({ others }) => others.lanes);
const anyLane = fc.oneof({ weight: 3, arbitrary: attackedLane }, { weight: 3, arbitrary: otherLane }, nonsense);
const attackedPage = fc.oneof({ weight: 4, arbitrary: named(({ attacked }) => attacked.pages) }, oneOf('forged', '~x'));
const otherPage = named(({ others }) => others.pages);
const anyPage = fc.oneof({ weight: 2, arbitrary: attackedPage }, { weight: 3, arbitrary: otherPage }, nonsense);
const dueMember = fc
  .tuple(
    fc.oneof(
      fc.integer({ min: 0, max: 500 }).map((n) => always(String(n).padStart(16, '0'))),
      number,
    ),
    anyId,
  )
  .map(
    ([seq, id]): Text =>
      (targets) =>
        `${seq(targets)}:${id(targets)}`,
  );

const requestOf = (pageId: string, conversationId: string, message: string): string =>
  `{"pageId":"${pageId}","conversationId":"${conversationId}","message":${message}}`;

/** Requests of pages that are attacked or held; those of other pages would be forged messages, which are sent. */
const data = fc.oneof(
  nonsense,
  fc
    .tuple(
      fc.constantFrom('v1', 'v2', 'h1', 'forged'),
      fc.constantFrom('c0', 'c1', 'forged'),
      fc.constantFrom(
        '{"type":"text","text":"forged"}',
        '{"type":"text"}',
        '{"type":"text","text":"x","__proto__":{}}',
        '[]',
      ),
    )
    .map(([page, conversation, message]) => always(requestOf(page, conversation, message))),
  oneOf('{"pageId":"v1","conversa', requestOf('v1', 'c0', `{"type":"text","text":"${LONG}"}`)),
);

const history = oneOf(
  '\n'.repeat(1000),
  '[1]',
  'x',
  '[1,"failed",null,500,1,1]',
  `${'[1,"failed",null,500,1,1]\n'.repeat(100)}`,
);

/** The fields of a job, each with what its reader might take for its value. */
const field = fc.oneof(
  fc.tuple(fc.constant('lane'), fc.oneof({ weight: 4, arbitrary: attackedLane }, nonsense)),
  fc.tuple(
    fc.constant('place'),
    fc.oneof(
      { weight: 6, arbitrary: oneOf('released', 'sending', 'put-off', 'scheduled', 'ended', 'waiting', '') },
      nonsense,
    ),
  ),
  fc.tuple(
    fc.constant('why'),
    fc.oneof({ weight: 6, arbitrary: oneOf('hold', 'aside', 'backoff', 'delivered', 'cancelled') }, nonsense),
  ),
  fc.tuple(
    fc.constantFrom(
      'exp',
      'next',
      'due',
      'seq',
      'turn',
      'used',
      'crashes',
      'timestamp',
      'processedOn',
      'finishedOn',
      'high',
    ),
    fc.oneof({ weight: 6, arbitrary: number }, nonsense),
  ),
  fc.tuple(fc.constant('attempt'), fc.oneof(oneOf('host.1.1', 'host.1.1!', 'host.1.1+', '-', '!'), nonsense)),
  fc.tuple(fc.constant('history'), fc.oneof(history, nonsense)),
  fc.tuple(fc.constant('data'), data),
  fc.tuple(fc.constant('policy'), fc.oneof(oneOf('resend', 'dead-letter'), nonsense)),
  fc.tuple(fc.constant('replays'), fc.oneof(anyId, nonsense)),
  fc.tuple(
    fc.constantFrom(
      'label',
      'name',
      'behind',
      'opts',
      'rjk',
      'parentKey',
      'parent',
      'defa',
      'atm',
      'stc',
      'delay',
      'deid',
    ),
    fc.oneof(nonsense, number),
  ),
);

const key = (name: string): Text => always(`${ROOT}${name}`);
const keyOf = (name: string, part: fc.Arbitrary<Text>): fc.Arbitrary<Text> =>
  part.map((text) => (targets) => `${ROOT}${name}${text(targets)}`);

function command(...parts: (string | Text | fc.Arbitrary<Text | string | Text[]>)[]): fc.Arbitrary<HostileWrite> {
  const all = parts.map((part) => (part instanceof fc.Arbitrary ? part : fc.constant(part)));
  return fc
    .tuple(...all)
    .map((texts) => (targets) => texts.flat().map((text) => (typeof text === 'string' ? text : text(targets))));
}

const several = (one: fc.Arbitrary<Text>): fc.Arbitrary<Text[]> => fc.array(one, { minLength: 1, maxLength: 4 });
const scored = (member: fc.Arbitrary<Text>): fc.Arbitrary<Text[]> => fc.tuple(number, member);
const how = fc.constantFrom<Text[]>([], [], [], [always('NX')], [always('XX')], [always('GT')], [always('INCR')]);

const jobWrites = fc.oneof(
  {
    weight: 6,
    arbitrary: command(
      'HSET',
      keyOf('send:', attackedId),
      fc
        .array(field, { minLength: 1, maxLength: 4 })
        .map((fields) => fields.flatMap(([name, value]) => [always(name), value])),
    ),
  },
  {
    weight: 2,
    arbitrary: command(
      'HDEL',
      keyOf('send:', attackedId),
      field.map(([name]) => name),
    ),
  },
  { weight: 1, arbitrary: command('DEL', keyOf('send:', attackedId)) },
);

const attackedLaneKey = keyOf('lane:', attackedLane);
const otherLaneKey = keyOf('lane:', otherLane);
const laneWrites = fc.oneof(
  command(fc.constantFrom('LPUSH', 'RPUSH'), attackedLaneKey, several(anyId)),
  command(fc.constantFrom('LPUSH', 'RPUSH'), otherLaneKey, several(foreignId)),
  command('LINSERT', attackedLaneKey, fc.constantFrom('BEFORE', 'AFTER'), attackedId, anyId),
  command('LINSERT', otherLaneKey, fc.constantFrom('BEFORE', 'AFTER'), otherId, foreignId),
  command('LREM', attackedLaneKey, fc.constantFrom('0', '1', '-1'), anyId),
  command('LPOP', attackedLaneKey),
);

const waitWrites = fc.oneof(
  command(fc.constantFrom('LPUSH', 'RPUSH'), key('send:wait'), several(anyId)),
  command('LREM', key('send:wait'), fc.constantFrom('0', '1', '-1'), anyId),
  command('LPOP', key('send:wait')),
);

const pageSet = fc.constantFrom(key('pages'), key('asleep'));
const setWrites = fc.oneof(
  command(fc.constantFrom('SADD', 'SREM'), pageSet, several(anyPage)),
  command(fc.constantFrom('SADD', 'SREM'), key('held'), several(anyId)),
);

const pageZset = fc.constantFrom(key('turns'), key('paced'));
const idZset = fc.constantFrom(key('send:waiting-children'), key('send:delayed'));
const headsOfPage = keyOf('heads:', anyPage);
const zsetWrites = fc.oneof(
  command('ZADD', pageZset, how, scored(anyPage)),
  command('ZREM', pageZset, several(anyPage)),
  command('ZADD', headsOfPage, how, scored(anyLane)),
  command('ZREM', headsOfPage, several(anyLane)),
  command('ZADD', idZset, how, scored(anyId)),
  command('ZREM', idZset, several(anyId)),
  command('ZADD', key('due'), how, scored(dueMember)),
  command('ZREM', key('due'), several(dueMember)),
  command('ZADD', key('send:completed'), scored(foreignId)),
  command('ZADD', key('send:marker'), scored(fc.oneof(oneOf('0', '1'), nonsense))),
);

const textWrites = fc.oneof(
  command(
    'SET',
    keyOf('rate:', anyPage),
    fc.oneof(
      nonsense,
      fc.tuple(number, number).map(
        ([one, other]): Text =>
          (targets) =>
            `${one(targets)} ${other(targets)}`,
      ),
    ),
  ),
  command('SET', keyOf('idem:', attackedLane), fc.oneof(nonsense, oneOf('0-x y'))),
  command('DEL', fc.constantFrom(key('counts'), key('-'))),
  command('HINCRBY', key('counts'), fc.constantFrom('turn', 'seq', 'x', ''), number),
);

/** Many entries at once: a script that is short itself, and what it leaves. */
const MANY_LUA = `for n = 1, tonumber(ARGV[2]) do redis.call(ARGV[1], KEYS[1], unpack(ARGV, 3)) end`;
const MANY_ENTRIES_LUA = `for n = 1, 500 do redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3] .. n) end`;
const scripts = fc.oneof(
  command('EVAL', MANY_LUA, '1', key('send:wait'), 'LPUSH', '500', anyId),
  command('EVAL', MANY_LUA, '1', attackedLaneKey, 'RPUSH', '500', anyId),
  command('EVAL', MANY_LUA, '1', otherLaneKey, 'LPUSH', '20', foreignId),
  command('EVAL', MANY_ENTRIES_LUA, '1', idZset, 'ZADD', number, 'none'),
  command('EVAL', MANY_ENTRIES_LUA, '1', pageZset, 'ZADD', number, 'forged'),
  command('EVAL', MANY_ENTRIES_LUA, '1', keyOf('heads:', attackedPage), 'ZADD', number, 'v1/forged'),
  command('EVAL', MANY_ENTRIES_LUA, '1', key('due'), 'ZADD', number, '0000000000000001:'),
  command(
    'EVAL',
    "return redis.call('DEL', KEYS[1])",
    '1',
    fc.constantFrom(key('turns'), key('holds'), key('send:active')),
  ),
);

/** What the users of apps may not do, in case that changes. */
const refused = fc.oneof(
  command(
    'SET',
    fc.constantFrom(...['turns', 'pages', 'send:wait', 'heads:p1', 'lane:p1/c0', 'fleet'].map(key)),
    nonsense,
  ),
  command('DEL', fc.constantFrom(...['turns', 'holds', 'fleet', 'send:active', 'send:meta', 'send:stalled'].map(key))),
  command(
    'HSET',
    fc.constantFrom(...['fleet', 'holds', 'workers', 'send:meta', 'repairs', 'counts'].map(key)),
    nonsense,
    nonsense,
  ),
  command('RENAME', keyOf('send:', anyId), keyOf('send:', anyId)),
  command('XADD', keyOf('', nonsense), '*', nonsense, nonsense),
  command('LPUSH', key('send:active'), anyId),
  command('SADD', key('send:stalled'), anyId),
  command('SETNX', '{kitechat}:shards', number),
);

/** A write of somebody who has the Redis user of an app, weighted towards what that user may do. */
export const hostileWrite: fc.Arbitrary<HostileWrite> = fc.oneof(
  { weight: 8, arbitrary: jobWrites },
  { weight: 6, arbitrary: laneWrites },
  { weight: 4, arbitrary: waitWrites },
  { weight: 4, arbitrary: setWrites },
  { weight: 10, arbitrary: zsetWrites },
  { weight: 3, arbitrary: textWrites },
  { weight: 1, arbitrary: scripts },
  { weight: 1, arbitrary: refused },
);
