import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE_BYTES = 8;
/** Length, type and checksum. */
const AROUND_DATA = 12;
/** The browser's pictures are RGB, eight bits each. */
const PIXEL_BYTES = 3;

/**
 * The same picture in a fifth less: a browser writes PNG in a hurry, and with filters that are made for photographs. Rows of
 * text without a filter repeat themselves, which is what deflate is good at.
 */
export function shrinkPng(png: Buffer): Buffer {
  const chunks = [...chunksOf(png)];
  const header = chunks.find(({ type }) => type === 'IHDR')?.data;
  if (header?.[8] !== 8 || header[9] !== 2 || header[12] !== 0) return png;
  const rows = inflateSync(Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data)));
  const width = header.readUInt32BE(0) * PIXEL_BYTES;
  const small = Buffer.concat([
    png.subarray(0, SIGNATURE_BYTES),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(unfiltered(rows, width), { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return small.length < png.length ? small : png;
}

function* chunksOf(png: Buffer): Generator<{ type: string; data: Buffer }> {
  for (let at = SIGNATURE_BYTES; at < png.length;) {
    const length = png.readUInt32BE(at);
    yield { type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) };
    at += length + AROUND_DATA;
  }
}

function chunk(type: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const content = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(content));
  return Buffer.concat([length, content, checksum]);
}

/** Each row begins with its filter's number; every byte is told relative to its neighbours, as that filter says. */
function unfiltered(rows: Buffer, width: number): Buffer {
  const plain = Buffer.alloc(rows.length);
  const row = width + 1;
  for (let start = 0; start < rows.length; start += row) {
    const filter = rows[start] ?? 0;
    for (let x = 0; x < width; x += 1) {
      const at = start + 1 + x;
      const left = x < PIXEL_BYTES ? 0 : (plain[at - PIXEL_BYTES] ?? 0);
      const above = plain[at - row] ?? 0;
      const corner = x < PIXEL_BYTES ? 0 : (plain[at - row - PIXEL_BYTES] ?? 0);
      plain[at] = (rows[at] ?? 0) + predicted(filter, left, above, corner);
    }
  }
  return plain;
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  if (filter !== 4) return 0;
  const [toLeft, toAbove] = [Math.abs(above - corner), Math.abs(left - corner)];
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
