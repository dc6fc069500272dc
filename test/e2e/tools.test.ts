import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser } from './support/browser.ts';
import { findChromium } from './support/find-chromium.ts';
import { shrinkPng } from './support/shrink-png.ts';

describe('the browser that is looked for', () => {
  let folder: string;
  let program: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kitechat-chromium-'));
    program = join(folder, 'chromium-browser');
    await writeFile(program, '#!/bin/sh\n');
    await chmod(program, 0o755);
    await writeFile(join(folder, 'chromium'), 'no program');
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  it('is CHROMIUM_PATH, before anything on the path', () => {
    expect(findChromium({ CHROMIUM_PATH: program, PATH: '/usr/bin' })).toBe(program);
  });

  it('is the first on the path that can be run', () => {
    expect(findChromium({ PATH: `/no-such-folder::${folder}` })).toBe(program);
    expect(findChromium({ CHROMIUM_PATH: '', PATH: folder })).toBe(program);
  });

  it.each([{}, { PATH: '/no-such-folder' }, { CHROMIUM_PATH: '/no/chromium', PATH: '/usr/bin' }])(
    'is nowhere: one sentence says how to get it: %j',
    (env) => {
      expect(() => findChromium(env)).toThrow(/^[^\n]+apt-get install[^\n]+chromium[^\n]+CHROMIUM_PATH[^\n]+\.$/);
    },
  );
});

it('shrinks a picture without changing a pixel', async () => {
  await using browser = await startBrowser();
  const { page } = await browser.open({ viewport: { width: 333, height: 400 } });
  await page.setContent(
    `<h1 style="background: gold">Waits</h1>${'<p>for <b>everything</b>, and for everybody'.repeat(9)}`,
  );
  const before = await page.screenshot();
  const after = shrinkPng(before);
  expect(after.length).toBeLessThan(before.length);
  const pixelsOf = async (png: Buffer): Promise<string> => {
    await page.setContent(`<img src="data:image/png;base64,${png.toString('base64')}">`);
    return await page.evaluate<string>(`(async () => {
      const image = document.images[0];
      await image.decode();
      const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
      const context = canvas.getContext('2d');
      context.drawImage(image, 0, 0);
      return context.getImageData(0, 0, image.width, image.height).data.join();
    })()`);
  };
  expect(await pixelsOf(after)).toBe(await pixelsOf(before));
});
