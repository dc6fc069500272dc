import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseSendRequest } from '../../../src/shared/model/message.ts';
import { template, validRequest } from './arbitrary-request.ts';

function pathsOf(input: unknown): string[] {
  const parsed = parseSendRequest(input);
  return parsed.ok ? [] : parsed.issues.map(({ path }) => path);
}

/** All objects in a value with their paths, the value itself at ''. */
function objectsIn(value: unknown, path = ''): { path: string; object: Record<string, unknown> }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => objectsIn(item, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.entries(value).flatMap(([key, child]) =>
    objectsIn(child, path === '' ? key : `${path}.${key}`),
  );
  return [{ path, object: value as Record<string, unknown> }, ...inside];
}

/** A copy in which one object, picked by the number, was changed; with the path of that object. */
function changedSomewhere(
  request: unknown,
  pick: number,
  change: (object: Record<string, unknown>) => void,
): { input: unknown; path: string } {
  const input: unknown = structuredClone(request);
  const objects = objectsIn(input);
  const { path, object } = objects[pick % objects.length] ?? { path: '', object: {} };
  change(object);
  return { input, path };
}

describe('every documented request', () => {
  it('is stored as it was given: same keys, same order, same values', () => {
    fc.assert(
      fc.property(validRequest, (request) => {
        const parsed = parseSendRequest(request);
        expect(parsed.ok && parsed.body).toBe(JSON.stringify(request));
        expect(parsed.ok && JSON.stringify(parsed.request)).toBe(JSON.stringify(request));
      }),
    );
  });

  it('survives being stored as bytes and validated again', () => {
    fc.assert(
      fc.property(validRequest, (request) => {
        const parsed = parseSendRequest(request);
        const stored = Buffer.from(parsed.ok ? parsed.body : '', 'utf8').toString('utf8');
        expect(JSON.parse(stored)).toEqual(request);
        expect(parseSendRequest(JSON.parse(stored))).toEqual(parsed);
      }),
    );
  });

  it('is left untouched', () => {
    fc.assert(
      fc.property(validRequest, (request) => {
        const before = structuredClone(request);
        parseSendRequest(request);
        expect(request).toEqual(before);
      }),
    );
  });
});

describe('a documented request with one mistake', () => {
  it('is refused for an unknown key at any level, with its path', () => {
    const key = fc.stringMatching(/^[a-z]{9,20}$/).map((word) => `x${word}`);
    fc.assert(
      fc.property(validRequest, fc.nat(), key, fc.anything(), (request, pick, unknown, value) => {
        const { input, path } = changedSomewhere(request, pick, (object) => {
          object[unknown] = value;
        });
        expect(pathsOf(input)).toContain(path === '' ? unknown : `${path}.${unknown}`);
      }),
    );
  });

  it('is refused for __proto__ at any level, with its path', () => {
    fc.assert(
      fc.property(validRequest, fc.nat(), (request, pick) => {
        const { input, path } = changedSomewhere(request, pick, (object) => {
          Object.defineProperty(object, '__proto__', { value: {}, enumerable: true });
        });
        expect(pathsOf(input)).toEqual([path === '' ? '__proto__' : `${path}.__proto__`]);
      }),
    );
  });

  it('is refused for a value that is no text where one belongs, with its path', () => {
    const noText = fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.constant([]), fc.constant({}));
    fc.assert(
      fc.property(validRequest, fc.nat(), noText, (request, pick, value) => {
        let changed = '';
        const { input, path } = changedSomewhere(request, pick, (object) => {
          changed = Object.keys(object).find((key) => key !== 'type' && typeof object[key] === 'string') ?? '';
          if (changed !== '') object[changed] = value;
        });
        fc.pre(changed !== '');
        expect(pathsOf(input)).toContain(path === '' ? changed : `${path}.${changed}`);
      }),
    );
  });

  it('is refused for control characters in an id', () => {
    const control = fc.oneof(fc.integer({ min: 0, max: 0x1f }), fc.integer({ min: 0x7f, max: 0x9f }));
    const field = fc.constantFrom('pageId' as const, 'conversationId' as const);
    fc.assert(
      fc.property(validRequest, field, control, fc.nat(), (request, name, code, at) => {
        const id = request[name].slice(0, 255);
        const cut = at % (id.length + 1);
        const input = { ...request, [name]: id.slice(0, cut) + String.fromCharCode(code) + id.slice(cut) };
        expect(pathsOf(input)).toEqual([name]);
      }),
    );
  });
});

describe('anything at all', () => {
  it('is answered without throwing, and is accepted only if it is what is sent', () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withDate: true, withBigInt: true, withMap: true }),
        (input) => {
          const parsed = parseSendRequest(input);
          expect(parsed.ok).toBe(false);
          expect(pathsOf({ pageId: 'p', conversationId: 'c', message: input })).not.toEqual([]);
        },
      ),
    );
  });

  it('never finds its text in an issue', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{12,30}$/).map((text) => `Secret${text}`);
    fc.assert(
      fc.property(secret, template, (text, other) => {
        const inputs = [
          { pageId: `${text}\n`, conversationId: text.repeat(30), message: { type: text, text } },
          { pageId: text, conversationId: text, message: { type: 'image', url: text, text: [text] } },
          { pageId: text, conversationId: text, message: { type: 'template', template: { ...other, header: text } } },
          { pageId: text, conversationId: text, message: { type: 'text', text: text.repeat(8_000) } },
          text,
        ];
        for (const input of inputs) {
          const parsed = parseSendRequest(input);
          expect(parsed.ok).toBe(false);
          expect(JSON.stringify(parsed)).not.toContain(text);
        }
      }),
    );
  });
});
