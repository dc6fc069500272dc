import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { parseAddressList } from '../../shared/config/address-list.ts';

/** Returns the address that tells a client from others; the addresses of one IPv6 network count as one client. */
export type ClientOf = (request: Pick<IncomingMessage, 'headers' | 'socket'>) => string;

const UNKNOWN = 'unknown';
/** Addresses of IPv4 on a socket for both versions. */
const MAPPED = /^::ffff:(?=\d+\.)/i;
const WITH_PORT = /^(?:\[([^\]]+)\]|(\d+(?:\.\d+){3}))(?::\d{1,5})?$/;

/**
 * @param trustedProxies the proxies whose `X-Forwarded-For` is believed, as a list of addresses and networks. Any other client can write
 *   the header itself.
 */
export function createClientOf(trustedProxies: string | undefined): ClientOf {
  const trusted = new BlockList();
  for (const { address, family, prefix } of parseAddressList(trustedProxies ?? '') ?? []) {
    trusted.addSubnet(address, prefix, family);
  }
  const isTrusted = (address: string): boolean => trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

  return (request) => {
    let client = plainAddress(request.socket.remoteAddress ?? '');
    if (client === null) return UNKNOWN;
    const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
    // Each proxy adds the address of its own client at the end.
    while (isTrusted(client)) {
      const before = plainAddress(forwarded.pop() ?? '');
      if (before === null) break;
      client = before;
    }
    return networkOf(client);
  };
}

function plainAddress(text: string): string | null {
  const [, bracketed, withPort] = WITH_PORT.exec(text.trim()) ?? [];
  const address = (bracketed ?? withPort ?? text.trim()).replace(MAPPED, '').replace(/%.*$/, '');
  return isIP(address) === 0 ? null : address;
}

/** The first half of an IPv6 address: one machine has all addresses of its network. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [start = '', end = ''] = address.toLowerCase().split('::');
  const [first, last] = [start, end].map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: Math.max(0, 8 - (first?.length ?? 0) - (last?.length ?? 0)) }, () => '0');
  const groups = [...(first ?? []), ...zeros, ...(last ?? [])].slice(0, 4);
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
