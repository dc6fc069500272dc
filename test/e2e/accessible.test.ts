import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, type TestBrowser } from './support/browser.ts';
import { findSerious } from './support/find-serious.ts';
import { type Scene, startScene } from './support/scene.ts';
import { lookNames, looks, openView, type ViewName, viewNames } from './support/views.ts';

/** What is wrong with bull-board's page as it comes: buttons without names, grey on grey. Nothing may be added to it. */
const BULL_BOARDS = ['button-name', 'color-contrast', 'label-content-name-mismatch'];
const known = (view: ViewName): readonly string[] => (view === 'queues' ? BULL_BOARDS : []);

describe('a view can be used by everybody, in light, in dark and on a phone', () => {
  const stack = new AsyncDisposableStack();
  let scene: Scene;
  let browser: TestBrowser;

  beforeAll(async () => {
    scene = stack.use(await startScene());
    browser = stack.use(await startBrowser());
  });
  afterAll(async () => await stack.disposeAsync());

  it.each(viewNames)('%s: axe finds nothing serious, and nothing is wider than the screen', async (name) => {
    const { page } = await browser.open();
    await openView(name, page, scene);
    for (const look of lookNames) {
      const { colorScheme, viewport } = looks[look];
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      const serious = (await findSerious(page)).filter(({ rule }) => !known(name).includes(rule));
      expect(serious, look).toEqual([]);
      const tooWide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect(await page.evaluate(tooWide), look).toBe(0);
    }
    await page.context().close();
  });
});
