import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerIdsOf } from '../../../src/worker/message/answer-ids.ts';

describe('the ids in an answer', () => {
  it.each<[string, object, object]>([
    ['a field id', { success: true, id: '17' }, { id: '17' }],
    ['a number', { id: 17 }, { id: 17 }],
    [
      'names that end so',
      { messageId: 'a', message_id: 'b', msgID: 'c', ref: 'd' },
      { messageId: 'a', message_id: 'b', msgID: 'c' },
    ],
    ['an object data', { success: 1, data: { id: 'x', text: 'secret' } }, { id: 'x' }],
    ['an object result', { result: { messageId: 'x' } }, { messageId: 'x' }],
    ['the answer before its data', { data: { id: 'inner', mid: 'm' }, id: 'outer' }, { id: 'outer', mid: 'm' }],
    ['the longest id', { id: 'x'.repeat(128) }, { id: 'x'.repeat(128) }],
  ])('are found: %s', (_what, answer, ids) => {
    expect(JSON.parse(answerIdsOf(JSON.stringify(answer)))).toEqual(ids);
  });

  it.each<[string, string]>([
    ['no text', ''],
    ['the bare Ok', 'Ok'],
    ['no JSON', '{"id":"17"'],
    ['null', 'null'],
    ['a list', '[{"id":"17"}]'],
    ['no id', '{"success":true}'],
    ['an id further down', '{"message":{"id":"17"}}'],
    ['data that is a list', '{"data":[{"id":"17"}]}'],
    ['an id that is true', '{"id":true}'],
    ['an id that is an object', '{"id":{"id":1}}'],
    ['an empty id', '{"id":""}'],
    ['an id with spaces, as a text has', '{"id":"my secret text"}'],
    ['an id with the masked key', '{"id":"[API key]"}'],
    ['an id with a line break', String.raw`{"id":"a\nb"}`],
    ['an id of other characters', '{"id":"héllo"}'],
    ['an id that is too long', JSON.stringify({ id: 'x'.repeat(129) })],
    ['a name that is too long', JSON.stringify({ [`${'x'.repeat(63)}id`]: '17' })],
    ['a number that JSON can not carry exactly', '{"id":12345678901234567890}'],
    ['a number without an end', '{"id":1e999}'],
    ['a name with a space', '{"secret id":"17"}'],
    ['a huge answer', JSON.stringify({ id: '17', text: 'x'.repeat(20_000) })],
  ])('are none in %s', (_what, body) => {
    expect(answerIdsOf(body)).toBe('');
  });

  it('are at most eight, the first ones', () => {
    const answer = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`n${n}_id`, n]));
    expect(Object.keys(JSON.parse(answerIdsOf(JSON.stringify(answer))) as object)).toEqual(
      Array.from({ length: 8 }, (_, n) => `n${n}_id`),
    );
  });

  it('leave out what would make them too long, and keep what fits behind it', () => {
    const long = 'x'.repeat(128);
    const body = JSON.stringify({ aId: long, bId: long, cId: long, dId: long, id: 'short' });
    expect(JSON.parse(answerIdsOf(body))).toEqual({ aId: long, bId: long, cId: long, id: 'short' });
  });

  it('are never too long, and hold nothing but ids, whatever the API answers', () => {
    const anyName = fc.oneof(
      fc.constantFrom('id', 'messageId', 'message_id', 'ID', 'text', 'message', 'data', 'result', '__proto__'),
      fc.string().map((text) => `${text}id`),
    );
    const anyId = fc.string({
      minLength: 1,
      maxLength: 140,
      unit: fc.constantFrom('a', 'Z', '0', '-', '_', ':', '"', '\\'),
    });
    const anyValue = fc.oneof(anyId, fc.double(), fc.maxSafeInteger(), fc.string(), fc.boolean(), fc.constant(null));
    const anyObject = fc.array(fc.tuple(anyName, anyValue), { maxLength: 15 }).map(Object.fromEntries<unknown>);
    const anyAnswer = fc
      .tuple(anyObject, anyObject, fc.constantFrom('data', 'result', 'message'))
      .map(([outer, inner, name]) => Object.assign({}, outer, { [name]: inner }));
    fc.assert(
      fc.property(anyAnswer, (answer) => {
        const ids = answerIdsOf(JSON.stringify(answer));
        expect(ids.length).toBeLessThanOrEqual(512);
        if (ids === '') return;
        const entries = Object.entries(JSON.parse(ids) as object);
        expect(entries.length).toBeGreaterThan(0);
        expect(entries.length).toBeLessThanOrEqual(8);
        for (const [name, value] of entries) {
          expect(name).toMatch(/(?:id|Id|ID)$/);
          expect(name).not.toMatch(/\s/);
          expect(String(value)).toMatch(/^[\x21-\x7e]{1,128}$/);
        }
      }),
    );
  });

  it('never fail on any text', () => {
    fc.assert(fc.property(fc.string(), (text) => void answerIdsOf(`{"id":${text}`)));
  });
});
