import fc from 'fast-check';
import {
  ROOT,
  always,
  anyId,
  anyLane,
  anyPage,
  attackedId,
  attackedLane,
  attackedPage,
  dueMember,
  field,
  foreignId,
  nonsense,
  number,
  oneOf,
  otherId,
  otherLane,
  type Targets,
  type Text,
} from './words.ts';

/** Commands with their arguments, made when they are sent: then they name the messages that are under way. */
export type HostileWrite = (targets: Targets) => string[][];

const key = (name: string): Text => always(`${ROOT}${name}`);
const keyOf = (name: string, part: fc.Arbitrary<Text>): fc.Arbitrary<Text> =>
  part.map((text) => (targets) => `${ROOT}${name}${text(targets)}`);

function command(...parts: (string | Text | fc.Arbitrary<Text | string | Text[]>)[]): fc.Arbitrary<HostileWrite> {
  const all = parts.map((part) => (part instanceof fc.Arbitrary ? part : fc.constant(part)));
  return fc
    .tuple(...all)
    .map((texts) => (targets) => [texts.flat().map((text) => (typeof text === 'string' ? text : text(targets)))]);
}

const several = (one: fc.Arbitrary<Text>): fc.Arbitrary<Text[]> => fc.array(one, { minLength: 1, maxLength: 4 });
const scored = (member: fc.Arbitrary<Text>): fc.Arbitrary<Text[]> => fc.tuple(number, member);
const how = fc.constantFrom<Text[]>([], [], [], [always('NX')], [always('XX')], [always('GT')], [always('INCR')]);

const someFields = fc
  .array(field, { minLength: 1, maxLength: 4 })
  .map((fields) => fields.flatMap(([name, value]) => [always(name), value]));

const jobWrites = fc.oneof(
  { weight: 6, arbitrary: command('HSET', keyOf('send:', attackedId), someFields) },
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
  command('ZREM', key('send:delayed'), several(anyId)),
  command('ZREM', key('send:waiting-children'), several(foreignId)),
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

/** Brings a message to the place from which it is taken next. */
const destinations: ((id: string, lane: string) => string[][])[] = [
  (id) => [['LPUSH', `${ROOT}send:wait`, id]],
  (id) => [['RPUSH', `${ROOT}send:wait`, id]],
  (id) => [['ZADD', `${ROOT}send:delayed`, '0', id]],
  (id) => [['ZADD', `${ROOT}due`, '0', `0000000000000000:${id}`]],
  (id) => [['ZADD', `${ROOT}send:waiting-children`, '0', id]],
  (id, lane) => [
    ['LPUSH', `${ROOT}lane:${lane}`, id],
    ['ZADD', `${ROOT}heads:${lane.split('/')[0]}`, '-4e12', lane],
    ['ZADD', `${ROOT}turns`, '-1', lane.split('/')[0] ?? ''],
  ],
];

/** Writes into one job, and where it is found: what writes that have nothing to do with each other seldom make. */
const forged = fc
  .tuple(attackedId, someFields, fc.oneof(attackedLane, otherLane), fc.constantFrom(...destinations))
  .map(([idText, fields, lane, bring]): HostileWrite => (targets) => {
    const id = idText(targets);
    return [['HSET', `${ROOT}send:${id}`, ...fields.map((text) => text(targets))], ...bring(id, lane(targets))];
  });

/** The same for a message of others, whose job is left as it is. */
const misplaced = fc.tuple(otherId, attackedLane, fc.constantFrom(...destinations)).map(
  ([idText, lane, bring]): HostileWrite =>
    (targets) =>
      bring(idText(targets), lane(targets)),
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
  { weight: 6, arbitrary: forged },
  { weight: 4, arbitrary: misplaced },
  { weight: 6, arbitrary: laneWrites },
  { weight: 4, arbitrary: waitWrites },
  { weight: 4, arbitrary: setWrites },
  { weight: 10, arbitrary: zsetWrites },
  { weight: 3, arbitrary: textWrites },
  { weight: 1, arbitrary: scripts },
  { weight: 1, arbitrary: refused },
);
