import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openWebhookSecrets, parseWebhookSecrets } from '../../../src/notify/secrets.ts';
import { eventually } from '../../support/eventually.ts';
import { useFolder } from '../../support/use-folder.ts';

const secretOf = (length: number): string => `whsec_${randomBytes(length).toString('base64')}`;
const bytesOf = (secret: string): Buffer => Buffer.from(secret.slice('whsec_'.length), 'base64');

describe('a file with webhook secrets', () => {
  it('has one in each line, of 24 to 64 bytes', () => {
    const secrets = [secretOf(24), secretOf(32), secretOf(64)];
    expect(parseWebhookSecrets(`\u{feff}${secrets.join('\r\n')}\n\n`)).toEqual({ value: secrets.map(bytesOf) });
  });

  it.each([
    ['without a prefix', randomBytes(32).toString('base64')],
    ['too short', secretOf(23)],
    ['too long', secretOf(65)],
    ['that is not base64', `whsec_${'*'.repeat(44)}`],
    ['in base64url', `whsec_${Buffer.alloc(32, 0xff).toString('base64url')}`],
  ])('is refused with a secret %s, and the problem does not quote it', (_what, wrong) => {
    const contents = parseWebhookSecrets(`${secretOf(32)}\n${wrong}\n`);
    expect(contents).toEqual({ problems: ['line 2: must be whsec_ and 24 to 64 random bytes in base64'] });
  });

  it('is refused if it is empty', () => {
    expect(parseWebhookSecrets(' \n')).toEqual({ problems: ['names an empty file'] });
  });
});

describe('opened webhook secrets', () => {
  const folder = useFolder();
  const silent = { debug() {}, info() {}, warn() {} };

  it('are read again when the file changes, and stay in use while its new version is wrong', async () => {
    const path = join(folder, 'secrets');
    const [first, second] = [secretOf(32), secretOf(32)];
    writeFileSync(path, first);
    const errors: object[] = [];
    const secrets = openWebhookSecrets(path, { ...silent, error: (fields) => void errors.push(fields) });
    expect(await secrets.current()).toEqual([bytesOf(first)]);

    writeFileSync(path, 'whsec_broken');
    await eventually('the problem is logged', async () => {
      expect(await secrets.current()).toEqual([bytesOf(first)]);
      return errors.length === 1;
    });
    expect(JSON.stringify(errors)).not.toContain('broken');

    writeFileSync(path, `${second}\n${first}`);
    await eventually('both are used', async () => (await secrets.current()).length === 2);
    expect(await secrets.current()).toEqual([bytesOf(second), bytesOf(first)]);
  });

  it('name neither the file nor its path if it can not be read', () => {
    expect(() => openWebhookSecrets(join(folder, 'CANARY'), { ...silent, error() {} })).toThrow(
      /--secret-file: names a file that can't be read \(ENOENT\)/,
    );
    expect(() => openWebhookSecrets(join(folder, 'CANARY'), { ...silent, error() {} })).not.toThrow(/CANARY/);
  });
});
