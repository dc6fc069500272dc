import { globSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readScript } from '../../../src/shared/lanes/read-script.ts';
import { scriptTexts } from '../../../src/shared/lanes/script-texts.ts';

const folder = new URL('../../../src/shared/lanes/', import.meta.url);
const names = globSync('*/*.lua', { cwd: folder }).map((file) => file.replace(/\.lua$/, ''));

describe('readScript', () => {
  it.each(names)('knows %s, which begins with its own name', (name) => {
    expect(readScript(name)).toBe(scriptTexts[name]);
  });

  it('refuses a script whose text is that of another one, or missing', () => {
    const mixedUp = { ...scriptTexts, 'messages/enqueue': scriptTexts['messages/cancel'] ?? '' };
    expect(() => readScript('messages/enqueue', mixedUp)).toThrow('the script messages/enqueue is not itself');
    expect(() => readScript('messages/enqueue', {})).toThrow('the script messages/enqueue is not itself');
  });
});
