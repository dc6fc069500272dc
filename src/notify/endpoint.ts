import { isLoopbackHost } from '../shared/config/loopback.ts';
import { httpUrl } from '../shared/validation/rules.ts';

/** The URL of a receiver, or why it can't be used. No problem quotes the URL, which can contain a secret. */
export type Endpoint = { url: URL } | { problem: string };

/** @param allowHttp whether `http` may lead off this machine, where others can read the events */
export function parseEndpoint(text: string, allowHttp: boolean): Endpoint {
  if (!httpUrl.safeParse(text).success) return { problem: 'must be a valid http or https URL' };
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    return { problem: 'must not contain a user or password: the receiver checks the signature' };
  }
  if (url.protocol === 'http:' && !allowHttp && !isLoopbackHost(url.hostname)) {
    return {
      problem: 'must begin with https://, or others on the network can read the events; --allow-http permits it',
    };
  }
  // A fragment is never sent.
  url.hash = '';
  return { url };
}
