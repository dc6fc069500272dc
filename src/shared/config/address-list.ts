import { isIP } from 'node:net';

export const ADDRESS_LIST_RULE =
  'must be addresses or networks, separated by commas, such as 10.0.0.5,10.1.0.0/16,fd00::/8';

/** An address of a machine, or a network. */
export interface AddressRange {
  address: string;
  family: 'ipv4' | 'ipv6';
  /** The number of bits that all addresses of the network share. */
  prefix: number;
}

/** Reads a list such as `10.0.0.5,10.1.0.0/16`. @returns `null` if the text has another form */
export function parseAddressList(text: string): AddressRange[] | null {
  const ranges: AddressRange[] = [];
  for (const entry of text.split(',')) {
    const [address = '', bits, ...rest] = entry.trim().split('/');
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : Number(bits);
    const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && prefix <= most);
    if (version === 0 || rest.length > 0 || !isPrefix) return null;
    ranges.push({ address, family: version === 4 ? 'ipv4' : 'ipv6', prefix });
  }
  return ranges;
}
