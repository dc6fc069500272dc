import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import { describeIssue, fields, formatPath, issuesOf } from '../../../src/shared/validation/issues.ts';

function issuesIn(schema: z.ZodType, input: unknown) {
  const { error } = schema.safeParse(input, { error: describeIssue });
  return error ? issuesOf(error, 'input') : [];
}

describe('paths', () => {
  it.each<[string, PropertyKey[]]>([
    ['', []],
    ['message.template.buttons[1].url', ['message', 'template', 'buttons', 1, 'url']],
    ['[0].id', [0, 'id']],
    ['message["two words"]', ['message', 'two words']],
    ['message["a\\nb"].c', ['message', 'a\nb', 'c']],
    ['["1"]', ['1']],
  ])('read %j', (path, keys) => {
    expect(formatPath(keys)).toBe(path);
  });

  it('cut a key that is very long', () => {
    expect(formatPath(['k'.repeat(100_000)]).length).toBeLessThan(100);
  });
});

describe('issues', () => {
  const schema = fields({
    name: z.string(),
    size: z.number().min(1).max(9).optional(),
    kind: z.enum(['a', 'b']).optional(),
    parts: z.array(fields({ id: z.string() })).optional(),
  });

  it.each<[unknown, { path: string; message: string }[]]>([
    [{ name: 'x' }, []],
    [5, [{ path: 'input', message: 'must be an object' }]],
    [{}, [{ path: 'name', message: 'is required' }]],
    [{ name: 5 }, [{ path: 'name', message: 'must be a string' }]],
    [{ name: 'x', size: 'y' }, [{ path: 'size', message: 'must be a number' }]],
    [{ name: 'x', size: 0 }, [{ path: 'size', message: 'must be at least 1' }]],
    [{ name: 'x', size: 10 }, [{ path: 'size', message: 'must be at most 9' }]],
    [{ name: 'x', kind: 'c' }, [{ path: 'kind', message: 'must be one of a, b' }]],
    [{ name: 'x', parts: {} }, [{ path: 'parts', message: 'must be an array' }]],
    [
      { name: 'x', parts: [{ id: 'y', ids: 1, other: 2 }], nmae: 3 },
      [
        { path: 'parts[0].ids', message: 'is not a documented field, did you mean id?' },
        { path: 'parts[0].other', message: 'is not a documented field' },
        { path: 'nmae', message: 'is not a documented field, did you mean name?' },
      ],
    ],
  ])('of %j are in words', (input, issues) => {
    expect(issuesIn(schema, input)).toEqual(issues);
  });

  it('are no more than anybody reads', () => {
    expect(
      issuesIn(
        z.array(z.string()),
        Array.from({ length: 10_000 }, () => 5),
      ),
    ).toHaveLength(50);
  });
});
