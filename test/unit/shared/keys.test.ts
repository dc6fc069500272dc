import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  idempotencyName,
  laneOf,
  messageId,
  shardOfId,
  shardOfPage,
  shardPrefix,
  shardRoot,
  shardsKey,
} from '../../../src/shared/lanes/key-names.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 256 }),
  fc.string({ unit: fc.constantFrom('a', '/', '~', '\\', '"', 'd800', ':', '{', '}', '%'), maxLength: 8 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 4 }).map((units) => String.fromCharCode(...units)),
  fc.integer({ min: 60, max: 100_000 }).map((length) => 'x'.repeat(length)),
);
const ulid = fc.ulid();

/** Two names are the same if, and only if, they were made of the same page and the same other text. */
function expectOneNameEach(nameOf: (page: string, text: string) => string): void {
  fc.assert(
    fc.property(anyText, anyText, anyText, anyText, (page, text, otherPage, otherText) => {
      const isSame = page === otherPage && text === otherText;
      expect(nameOf(page, text) === nameOf(otherPage, otherText)).toBe(isSame);
    }),
  );
}

describe('laneOf', () => {
  it('keeps short and plain ids as they are, so that people can read the keys', () => {
    expect(laneOf('page_1', 'user@example.com')).toBe('page_1/user@example.com');
  });

  const half = String.fromCharCode(0xd800);
  const otherHalf = String.fromCharCode(0xd801);
  it.each<[string, [string, string], [string, string]]>([
    ['a slash in the page or in the conversation', ['a/b', 'c'], ['a', 'b/c']],
    ['page and conversation swapped', ['a', 'b'], ['b', 'a']],
    ['upper and lower case', ['a', 'b'], ['A', 'b']],
    ['halves of surrogate pairs', [half, 'c'], [otherHalf, 'c']],
    ['half of a surrogate pair and what Redis would make of it', [half, 'c'], ['\uFFFD', 'c']],
    ['half of a surrogate pair and its escape', [half, 'c'], ['\\ud800', 'c']],
    ['composed and decomposed letters', ['é', 'c'], ['e\u0301', 'c']],
    ['very long ids that differ at the end', [`${'x'.repeat(255)}a`, 'c'], [`${'x'.repeat(255)}b`, 'c']],
    ['an id and itself with a space', ['a', 'c'], ['a ', 'c']],
    ['names that objects have', ['__proto__', 'c'], ['constructor', 'c']],
  ])('tells apart %s', (_what, first, second) => {
    expect(laneOf(...first)).not.toBe(laneOf(...second));
  });

  it('does not mix up an id with the hash of another one', () => {
    const [page = '', conversation = ''] = laneOf('a/b', 'ç').split('/');
    expect([page, conversation]).toEqual([expect.stringMatching(/^~/), expect.stringMatching(/^~/)]);
    expect(laneOf(page, conversation)).not.toBe(laneOf('a/b', 'ç'));
  });

  it('gives every conversation a lane of its own', () => {
    expectOneNameEach(laneOf);
  });

  it('is short, and nothing but ASCII with one slash between page and conversation', () => {
    fc.assert(
      fc.property(anyText, anyText, (page, conversation) => {
        expect(laneOf(page, conversation)).toMatch(/^[\w.@+~-]{1,64}\/[\w.@+~-]{1,64}$/);
      }),
    );
  });
});

describe('idempotencyName', () => {
  it('gives every key of every page a name of its own', () => {
    expectOneNameEach(idempotencyName);
  });
});

describe('message ids', () => {
  it('say their shard', () => {
    fc.assert(
      fc.property(fc.nat({ max: 255 }), ulid, (shard, anyUlid) => {
        const id = messageId(shard, anyUlid);
        expect(shardOfId(id)).toBe(shard);
        // What BullMQ asks of a job's id.
        expect(id).not.toContain(':');
        expect(Number.isNaN(Number(id))).toBe(true);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['no shard', '-01ARZ3NDEKTSV4RRFFQ69G5FAV'],
    ['a ULID alone', '01ARZ3NDEKTSV4RRFFQ69G5FAV'],
    ['a shard in upper case', 'A-01ARZ3NDEKTSV4RRFFQ69G5FAV'],
    ['three digits for the shard', '100-01ARZ3NDEKTSV4RRFFQ69G5FAV'],
    ['a ULID that is too short', '0-01ARZ3NDEKTSV4RRFFQ69G5FA'],
    ['a ULID that is too long', '0-01ARZ3NDEKTSV4RRFFQ69G5FAVX'],
    ['a letter that no ULID has', '0-01ARZ3NDEKTSV4RRFFQ69G5FAU'],
    ['a line break at the end', '0-01ARZ3NDEKTSV4RRFFQ69G5FAV\n'],
    ['a key of Redis', '{kitechat:0}:send:0-01ARZ3NDEKTSV4RRFFQ69G5FAV'],
    ['a number', '17'],
  ])('are not %s', (_what, text) => {
    expect(shardOfId(text)).toBeNull();
  });
});

describe('shardOfPage', () => {
  it('always gives a page the same one of the shards', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 256 }), (page, shards) => {
        const shard = shardOfPage(page, shards);
        expect(shard).toBe(shardOfPage(page, shards));
        expect(Number.isInteger(shard) && shard >= 0 && shard < shards).toBe(true);
      }),
    );
  });

  it('spreads pages evenly', () => {
    const counts = Array.from({ length: 8 }, () => 0);
    for (let page = 0; page < 8000; page += 1) {
      const shard = shardOfPage(`page-${page}`, 8);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(850);
  });

  it('never changes between releases: the stored messages of a page are where it says', () => {
    expect(['p1', 'p2', 'trang-ế', ''].map((page) => shardOfPage(page, 16))).toEqual([12, 4, 2, 2]);
  });
});

describe('the keys of a shard', () => {
  it('share one hash tag of a Redis Cluster, which other shards and the namespace itself do not have', () => {
    expect(shardPrefix('kitechat', 3)).toBe('{kitechat:3}');
    expect(shardRoot('kitechat', 3)).toBe('{kitechat:3}:');
    expect(shardsKey('kitechat')).toBe('{kitechat}:shards');
  });
});
