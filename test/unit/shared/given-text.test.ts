import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blankVariables, isGiven, loadConfig } from '../../../src/shared/config/config.ts';
import { meantBy } from '../../../src/shared/config/given-text.ts';
import { type Variable, variables } from '../../../src/shared/config/variables.ts';
import { valueInFile } from '../../../src/shared/config/secret-file.ts';
import { parseSealingKeys } from '../../../src/shared/sealing/encryption-keys.ts';
import { parseKey, parsePageKeys } from '../../../src/worker/keys/key-contents.ts';
import { problemsIn } from './config-problems.ts';

const BOM = '\u{feff}';
/** What editors, shells and Windows put around a value. */
const around = fc.constantFrom('', ' ', '\n', '\r\n', '\n\n', '\t', '\u{a0}');
const quote = fc.constantFrom('"', "'");
const path = '/run/secrets/one';

/** A valid value of each variable that no default or path can stand for. */
const samples: Record<string, string> = {
  REDIS_URL: 'rediss://app:p%40ss@redis.example.com:6380/2',
  REDIS_NAT_MAP: '10.0.0.1:6379=127.0.0.1:7001',
  KITECHAT_API_KEY: 'abc-123_~!',
  KITECHAT_RATE_LIMIT: '50/s burst 10',
  KITECHAT_PAGE_RATE_LIMIT: '300/min',
  KITECHAT_HTTP_PORT: '8080',
  KITECHAT_CONSOLE_TOKEN: 'open~sesame!-please',
  HTTPS_PROXY: 'http://me:p%40ss@proxy.internal:3128',
  HTTP_PROXY: 'http://proxy.internal',
  NO_PROXY: 'localhost, .example.com',
};

function sampleOf({ name, default: value }: Variable): string {
  return samples[name] ?? (value === undefined ? path : String(value));
}

/** The configuration, or its problems. */
function read(env: Record<string, string>, file = ''): unknown {
  try {
    return loadConfig(env, () => file);
  } catch (error) {
    return error;
  }
}

describe('the text of a variable', () => {
  it.each(variables.map((variable) => [variable.name, variable] as const))(
    '%s means the same with white space, a byte order mark or quotes around it; a secret is refused in quotes',
    (name, variable) => {
      const sample = sampleOf(variable);
      const bare = read({ [name]: sample });
      fc.assert(
        fc.property(fc.constantFrom('', BOM), around, around, (mark, before, after) => {
          expect(read({ [name]: mark + before + sample + after })).toEqual(bare);
        }),
        { numRuns: 20 },
      );
      fc.assert(
        fc.property(quote, around, (mark, space) => {
          const quoted = space + mark + sample + mark + space;
          if (!variable.isSecret) expect(read({ [name]: quoted })).toEqual(bare);
          else {
            const [problem = '', ...others] = problemsIn({ [name]: quoted });
            expect([problem, others]).toEqual([expect.stringContaining(`${name}: is in quotes`), []]);
            expect(problem).not.toContain(sample);
          }
        }),
        { numRuns: 20 },
      );
    },
  );

  it.each(variables.flatMap((variable) => (variable.fileName === undefined ? [] : [variable])))(
    '$fileName: the same holds for its path and for the file',
    (variable) => {
      const { name, fileName = '', isSecret } = variable;
      const sample = sampleOf(variable);
      const bare = read({ [fileName]: path }, sample);
      for (const text of [`${sample}\n`, `${BOM}${sample}\r\n`, ` ${sample} `]) {
        expect(read({ [fileName]: `"${path}"\r` }, text)).toEqual(bare);
      }
      const quoted = read({ [fileName]: path }, `"${sample}"\n`);
      if (isSecret) expect(String(quoted)).toContain(`${fileName}: names a file whose content is in quotes`);
      else expect(quoted).toEqual(bare);
      expect(String(read({ [fileName]: path }, Buffer.from(`\u{feff}${sample}`, 'utf16le').toString()))).toContain(
        `${fileName}: names a file that is not UTF-8 text`,
      );
      expect(String(read({ [fileName]: path }, '""\n'))).toContain(`${fileName}: names an empty file`);
      expect(isGiven({ [fileName]: path }, variable.key as 'redisUrl') && name !== '').toBe(true);
    },
  );

  it('that is blank counts as not set, and is told if it looks like a value in its file', () => {
    const blank = { REDIS_URL: '""', KITECHAT_API_KEY: " '' ", KITECHAT_RATE_LIMIT: ' ', KITECHAT_SHARDS: '' };
    expect(read(blank)).toEqual(read({}));
    expect(blankVariables({ ...blank, KITECHAT_TTL_MS: '5', PATH: '' })).toEqual(
      ['REDIS_URL', 'KITECHAT_API_KEY', 'KITECHAT_RATE_LIMIT'].map(
        (name) => `${name} has nothing in it but quotes or white space, which counts as not set`,
      ),
    );
    expect(isGiven(blank, 'redisUrl')).toBe(false);
    expect(isGiven({ REDIS_URL: 'redis://a' }, 'redisUrl')).toBe(true);
  });

  it('keeps everything inside: only one pair of the same quotes goes, and what it means stays as it is', () => {
    expect(meantBy('"a', { isSecret: false })).toEqual({ value: '"a' });
    expect(meantBy('"', { isSecret: true })).toEqual({ value: '"' });
    expect(meantBy(`"a'`, { isSecret: true })).toEqual({ value: `"a'` });
    expect(meantBy(`"'a'"`, { isSecret: false })).toEqual({ value: "'a'" });
    const plain = fc.string().filter((text) => text === text.trim() && !/^(["']).*\1$/s.test(text));
    fc.assert(
      fc.property(plain, fc.boolean(), (text, isSecret) => {
        expect(meantBy(text, { isSecret })).toEqual({ value: text });
      }),
    );
  });
});

describe('a file with keys', () => {
  const encryptionKey = Buffer.alloc(32, 1).toString('base64');
  it.each([
    ['with a byte order mark', (text: string) => BOM + text],
    ['with line breaks of Windows', (text: string) => `${text.replaceAll('\n', '\r\n')}\r\n`],
    ['with lines before it', (text: string) => `\n\n${text}`],
  ])('%s is read like the plain one', (_how, changed) => {
    expect(parseKey(changed('abc'))).toEqual({ value: 'abc' });
    expect(parsePageKeys(changed('{\n"p1": "abc"\n}'))).toEqual({ value: new Map([['p1', 'abc']]) });
    const sealing = parseSealingKeys(changed(`{\n"k1": "${encryptionKey}"\n}`));
    expect('value' in sealing && [...sealing.value.byId.keys()]).toEqual(['k1']);
  });

  it('in quotes is refused, and so is a key in quotes in it, without the key', () => {
    expect(parseKey('"abc"\n')).toEqual({
      problems: ['names a file whose content is in quotes, which would be sent as part of it: remove them'],
    });
    expect(parsePageKeys('{\n  "p1": "\\"abc\\"" }')).toEqual({
      problems: ['line 2, column 3: the key is in quotes, which would be sent as part of it: remove them'],
    });
  });

  it('names a line as an editor counts it, also with a byte order mark', () => {
    expect(parsePageKeys(`${BOM}\n{ "p1": "a b" }`)).toEqual({
      problems: [expect.stringMatching(/^line 2, column 3: the key must consist/)],
    });
  });

  it('in UTF-16 is refused with what to do', () => {
    expect(valueInFile(Buffer.from('\u{feff}abc', 'utf16le').toString())).toEqual({
      problem: 'names a file that is not UTF-8 text: save it as UTF-8',
    });
  });
});
