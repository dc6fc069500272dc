import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startBrowser } from './support/browser.ts';
import { shrinkPng } from './support/shrink-png.ts';
import { startScene } from './support/scene.ts';
import { lookNames, looks, openView, type ViewName, viewNames } from './support/views.ts';

/** A list of many rows goes on as it began. */
const MAX_HEIGHT = 2000;

// node test/e2e/screenshots-process.ts docs/console [view…]: takes a picture of every view, in light, in dark, and as on a phone.
const [folder, ...asked] = process.argv.slice(2);
if (folder === undefined) throw new Error('Say where to: node test/e2e/screenshots-process.ts docs/console');
const names = asked.length === 0 ? viewNames : viewNames.filter((name) => asked.includes(name));

await mkdir(folder, { recursive: true });
await using scene = await startScene();
await using browser = await startBrowser();
for (const look of lookNames) for (const name of names) await takePicture(name, look);

async function takePicture(name: ViewName, look: keyof typeof looks): Promise<void> {
  const { page } = await browser.open(looks[look]);
  await openView(name, page, scene);
  // No caret blinks and nothing moves, so that the picture differs only if the page does.
  const { width } = looks[look].viewport;
  const height = Math.min(MAX_HEIGHT, await page.evaluate<number>('document.documentElement.scrollHeight'));
  const clip = { x: 0, y: 0, width, height };
  const picture = await page.screenshot({ fullPage: true, animations: 'disabled', clip });
  await writeFile(join(folder ?? '', `${name}-${look}.png`), shrinkPng(picture));
  await page.context().close();
}
