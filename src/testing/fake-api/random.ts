/**
 * A number from 0 up to, but not including, 1 that depends only on the arguments: the same seed and the same text always give
 * the same number. The text is hashed (FNV-1a) into the state of one step of mulberry32.
 */
export function drawFor(seed: number, text: string): number {
  return mulberry32(fnv1a(text) ^ Math.imul(seed, 0x9e3779b1));
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

function mulberry32(state: number): number {
  const start = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(start ^ (start >>> 15), 1 | start);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
