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
   * These are named in entries of others, and in the sets of the shard. What SECURITY.md says that an app may do, forge, reorder and
   * remove messages, is not done to them: nobody writes to their jobs, to their own entries in their lanes, or removes them from
   * `waiting-children`.
   */
  others: Named;
}

/** A word of a command, made when the command is sent. */
export type Text = (targets: Targets) => string;

export const ROOT = '{kitechat:0}:';
const LONG = 'x'.repeat(100_000);
const RECENT = 30;

export const always =
  (text: string): Text =>
  () =>
    text;
export const oneOf = (...texts: string[]): fc.Arbitrary<Text> => fc.constantFrom(...texts).map(always);

/** One of a list, mostly one of the last. */
function named(list: (targets: Targets) => readonly string[]): fc.Arbitrary<Text> {
  return fc.tuple(fc.nat(), fc.nat(9)).map(([n, luck]) => (targets) => {
    const all = list(targets);
    const some = luck < 8 ? all.slice(-RECENT) : all;
    return some[n % Math.max(1, some.length)] ?? 'none';
  });
}

/** The ids of a few jobs that no producer stored, so that later writes meet those of earlier ones. */
const forgedId = fc.nat(15).map((n) => always(`0-01ARZ3NDEKTSV4RRFFQ69G5FF${n.toString(16).toUpperCase()}`));
const unknownShard = oneOf('1-01ARZ3NDEKTSV4RRFFQ69G5FAV', 'zz-01ARZ3NDEKTSV4RRFFQ69G5FAV');

export const nonsense = fc.oneof(
  oneOf('', ' ', '/', '*', '.', '%', '%s', '\n', '\0', 'x', '/x', 'x/', 'x/y/z', 'null', '[]', '{"', '[1,', '"', '-'),
  oneOf('__proto__', 'constructor', 'toString', 'meta', 'wait', 'marker', 'lock', 'undefined', 'true', LONG),
  oneOf('p1', 'p1/', '*/*', '~', '~/~', ':lock', '0000000000000001:', ':', '0:x'),
  fc.string({ unit: 'binary', maxLength: 40 }).map(always),
);

export const number = fc.oneof(
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

export const attackedId = fc.oneof({ weight: 5, arbitrary: named(({ attacked }) => attacked.ids) }, forgedId);
export const otherId = named(({ others }) => others.ids);
/** Keys of BullMQ that stand beside those of jobs, as if they were ids. */
const keyAsId = fc.oneof(
  oneOf('active', 'wait', 'waiting-children', 'delayed', 'completed', 'marker', 'stalled', 'meta', 'stalled-check'),
  otherId.map(
    (id): Text =>
      (targets) =>
        `${id(targets)}:lock`,
  ),
);
export const foreignId = fc.oneof({ weight: 5, arbitrary: attackedId }, keyAsId, unknownShard, nonsense);
export const anyId = fc.oneof({ weight: 3, arbitrary: otherId }, { weight: 3, arbitrary: foreignId });
export const attackedLane = fc.oneof(
  { weight: 5, arbitrary: named(({ attacked }) => attacked.lanes) },
  oneOf('v1/forged', 'forged/c1', 'forged/c2', '~x/~y', LONG),
);
export const otherLane = named(({ others }) => others.lanes);
export const anyLane = fc.oneof({ weight: 3, arbitrary: attackedLane }, { weight: 3, arbitrary: otherLane }, nonsense);
export const attackedPage = fc.oneof(
  { weight: 4, arbitrary: named(({ attacked }) => attacked.pages) },
  oneOf('forged', '~x'),
);
const otherPage = named(({ others }) => others.pages);
export const anyPage = fc.oneof({ weight: 2, arbitrary: attackedPage }, { weight: 3, arbitrary: otherPage }, nonsense);
export const dueMember = fc
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
  '[1,"failed",null,500,1,1]\n'.repeat(100),
);

/** The fields of a job, each with what its reader might take for its value. */
export const field = fc.oneof(
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
  fc.tuple(fc.constant('trace'), fc.oneof(oneOf(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`), nonsense)),
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
