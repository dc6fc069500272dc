import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { expect, it } from 'vitest';
import { createProducer, QueueUnavailableError } from '../../src/producer/index.ts';
import { type CertificateFaults, makeCertificates } from '../support/certificates.ts';
import { textMessage } from '../support/messages.ts';
import { settled } from '../support/settled.ts';

it.each<[string, CertificateFaults, string, RegExp]>([
  ['for clients only', { extension: 'extendedKeyUsage=clientAuth' }, 'INVALID_PURPOSE', /serverAuth/],
  ['with a key that is too short', { newKey: ['-newkey', 'rsa:1024', '-nodes'] }, 'UNSPECIFIED', /2048 bits/],
  [
    'of an issuer that is no CA',
    { ofCa: ['-addext', 'basicConstraints=critical,CA:FALSE'] },
    'INVALID_PURPOSE',
    /is no CA/,
  ],
])('a certificate %s is told as one that fails the handshake, with what to do', async (_what, faults, code, advice) => {
  using certificates = makeCertificates(undefined, faults);
  const { ca, cert, key } = certificates;
  // Not a Redis: it refuses to start with a key that is too short.
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key), ciphers: 'DEFAULT@SECLEVEL=0' });
  server.on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const redisUrl = `rediss://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using producer = createProducer({ redisUrl, redisCaFile: ca, enqueueTimeoutMs: 1000 });
  const { error } = await settled(producer.enqueueMessage(textMessage('c1', 1)));
  server.close();
  expect(error).toBeInstanceOf(QueueUnavailableError);
  expect((error as Error).cause).toMatchObject({ code });
  expect(String(error)).toMatch(
    /The TLS handshake with Redis failed: .*\. Nothing was written\. .* when this is fixed/,
  );
  expect(String(error)).toMatch(advice);
});
