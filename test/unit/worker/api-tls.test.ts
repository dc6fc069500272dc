import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/shared/errors/errors.ts';
import { type ApiTlsSettings, readApiTls } from '../../../src/worker/http/api-tls.ts';
import { useFolder } from '../../support/use-folder.ts';
import { answerText, startBrokenServer } from './broken-server.ts';
import { kindOf, openSender, sendOptions } from './exchange-with.ts';
import { selfSigned, weak } from './self-signed.ts';

const folder = useFolder();
let files = 0;
function fileOf(text: string): string {
  const path = join(folder, `file-${(files += 1)}-secret`);
  writeFileSync(path, text);
  return path;
}

const ca = fileOf(`# our CA\n${selfSigned.cert}`);
const cert = fileOf(selfSigned.cert);
const key = fileOf(selfSigned.key);
const pem = { type: 'pkcs8', format: 'pem' } as const;
const newKey = (): string => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export(pem) as string;
const sealedKey = fileOf(
  generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({
    ...pem,
    cipher: 'aes-256-cbc',
    passphrase: 'p',
  }) as string,
);

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('the TLS of the API', () => {
  it('is the usual one without settings', () => {
    expect(readApiTls({})).toEqual({});
  });

  it('trusts the given CA in addition to the usual ones', async () => {
    const server = await startBrokenServer({ tls: selfSigned });
    const tls = readApiTls({ apiCaFile: ca });
    expect(kindOf(await openSender(server.origin, { tls }).send('{}', sendOptions()))).toBe('delivered');
    expect(kindOf(await openSender(server.origin).send('{}', sendOptions()))).toBe('not-sent');
    expect(tls.ca?.length).toBeGreaterThan(50);
  });

  it('shows a client certificate', async () => {
    const names: unknown[] = [];
    const server = await startBrokenServer({
      tls: { ...selfSigned, ca: [selfSigned.cert], requestCert: true, rejectUnauthorized: true },
      answer(socket) {
        names.push((socket as TLSSocket).getPeerCertificate().subject.CN);
        socket.write(answerText('200 OK'));
      },
    });
    const tls = readApiTls({ apiCaFile: ca, apiCertFile: cert, apiCertKeyFile: key });
    expect(kindOf(await openSender(server.origin, { tls }).send('{}', sendOptions()))).toBe('delivered');
    expect(names).toEqual(['localhost']);
    const without = await openSender(server.origin, { tls: readApiTls({ apiCaFile: ca }) }).send('{}', sendOptions());
    expect(without.httpStatus).toBeNull();
    expect(server.received).toHaveLength(1);
  });

  it('takes files with a byte order mark, line breaks of Windows, white space or quotes around them', () => {
    for (const [before, after] of [
      ['\u{feff}', '\r\n'],
      ['  ', '\n\n'],
      ['"', '"'],
    ] as const) {
      const changed = (text: string): string => fileOf(before + text.replaceAll('\n', '\r\n') + after);
      const client = { apiCertFile: changed(selfSigned.cert), apiCertKeyFile: changed(selfSigned.key) };
      expect(readApiTls({ ...client, apiCaFile: changed(selfSigned.cert) }).key).toContain('PRIVATE KEY');
    }
  });

  it.each<[string, ApiTlsSettings, string[]]>([
    [
      'files that are not there',
      { apiCaFile: '/no/secret', apiCertFile: '/no/secret', apiCertKeyFile: '/no/secret' },
      ['CA_FILE', 'CERT_FILE', 'CERT_KEY_FILE'].map(
        (name) => `KITECHAT_API_${name}: names a file that can't be read (ENOENT)`,
      ),
    ],
    ['a folder', { apiCaFile: folder }, ["KITECHAT_API_CA_FILE: names a file that can't be read (EISDIR)"]],
    ['an empty file', { apiCaFile: fileOf('') }, ['KITECHAT_API_CA_FILE: names an empty file']],
    [
      'a file in UTF-16',
      { apiCaFile: fileOf(Buffer.from(selfSigned.cert, 'utf16le').toString()) },
      ['KITECHAT_API_CA_FILE: names a file that is not UTF-8 text: save it as UTF-8'],
    ],
    ['a key as CA', { apiCaFile: key }, ['KITECHAT_API_CA_FILE: names a file without a certificate in PEM format']],
    [
      'a damaged certificate',
      { apiCaFile: fileOf(selfSigned.cert + selfSigned.cert.replace(/MIIB.{9}/, 'MIIBsecret')) },
      ['KITECHAT_API_CA_FILE: names a file with a certificate that is damaged'],
    ],
    [
      'files that are exchanged',
      { apiCertFile: key, apiCertKeyFile: cert },
      [
        'KITECHAT_API_CERT_FILE: names a file without a certificate in PEM format',
        'KITECHAT_API_CERT_KEY_FILE: names a file without a private key in PEM format',
      ],
    ],
    [
      'a key of another certificate',
      { apiCertFile: cert, apiCertKeyFile: fileOf(newKey()) },
      ['KITECHAT_API_CERT_KEY_FILE: is not the key of the certificate in KITECHAT_API_CERT_FILE'],
    ],
    [
      'a key with a passphrase',
      { apiCertFile: cert, apiCertKeyFile: sealedKey },
      ['KITECHAT_API_CERT_KEY_FILE: names a key with a passphrase: store it without one, and protect the file instead'],
    ],
    [
      'a key that is too short',
      { apiCertFile: fileOf(weak.cert), apiCertKeyFile: fileOf(weak.key) },
      ["KITECHAT_API_CERT_FILE: names a certificate that TLS can't use here (ERR_SSL_EE_KEY_TOO_SMALL)"],
    ],
  ])('can not be made of %s, and no problem quotes a path or a file', (_what, settings, problems) => {
    const error = thrownBy(() => readApiTls(settings));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ problems });
    expect(String(error)).not.toMatch(/secret|MII/);
  });
});
