import type { Page } from 'playwright-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HttpProcess } from '../support/http-process.ts';
import { useDesk } from './support/use-desk.ts';

const MOST_TABS = 60;
/** What has the focus: its text or label, and whether its ring can be seen. */
const FOCUSED = `(() => {
  const { activeElement: element } = document;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  return {
    name: (element.labels?.[0] ?? element).innerText.trim() || element.ariaLabel || '',
    // If it is on a part of the element, such as a calendar's button, the browser itself shows it.
    isSeen: !element.matches(':focus') || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2),
  };
})()`;

describe('an operator without a mouse', () => {
  const used = useDesk();
  let worker: HttpProcess;
  let page: Page;

  beforeAll(async () => {
    used.desk.api.setFaults([
      { kind: 'status', status: 400, match: { pageId: 'bakery' } },
      { kind: 'status', status: 500, match: { pageId: 'flower-shop' } },
    ]);
    worker = await used.desk.startWorker();
    const producer = used.desk.producer();
    const onUnknownOutcome = 'dead-letter' as const;
    const ids = [
      await producer.enqueueMessage(textOf('bakery', 'Bread')),
      await producer.enqueueMessage(textOf('bakery', 'Cake')),
      await producer.enqueueMessage(textOf('flower-shop', 'Tulips'), { onUnknownOutcome }),
    ];
    expect(ids).toHaveLength(3);
    ({ page } = await used.browser.open());
    await page.goto(worker.url);
    await page.locator('.numbers > div').filter({ hasText: 'Dead' }).filter({ hasText: '3' }).waitFor();
    used.desk.api.setFaults([]);
  });
  beforeEach(async () => {
    await page.context().close();
    ({ page } = await used.browser.open());
  });

  const acceptedTexts = (): unknown[] => used.desk.api.accepted.map(({ message }) => message.text);

  it('passes over the navigation with the skip link', async () => {
    await page.goto(worker.url);
    await tabTo(page, 'Skip to the content', 1);
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    // Goes on behind the navigation.
    await tabTo(page, 'Show dead letters: rejected', 3);
  });

  it('filters the dead letters, opens one, and replays it once it was confirmed', async () => {
    await page.goto(new URL('/dead-letters', worker.url).href);
    await tabTo(page, 'Reason');
    await page.keyboard.type('unknown');
    await tabTo(page, 'Filter');
    await page.keyboard.press('Enter');
    await page.getByText('The newest 1 of 1 dead letter').waitFor();
    const id = await page.getByRole('rowheader').last().innerText();
    await tabTo(page, id);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Dead letter', exact: true }).waitFor();
    await tabTo(page, 'Replay…');
    await page.keyboard.press('Enter');
    await page.getByText('If it did, it arrives twice.').waitFor();
    expect(acceptedTexts()).toEqual([]);
    await tabTo(page, 'Replay it anyway', 1);
    await page.keyboard.press('Enter');
    await page.getByRole('status').filter({ hasText: 'is sent again as message' }).waitFor();
    await used.desk.api.waitForAccepted(1);
    expect(acceptedTexts()).toEqual(['Tulips']);
  });

  it('selects some, and replays them from the page that asks', async () => {
    await page.goto(new URL('/dead-letters', worker.url).href);
    await page.getByText('The newest 2 of 2 dead letters').waitFor();
    await tabTo(page, 'Select all on this page');
    await page.keyboard.press('Space');
    await tabTo(page, 'Replay selected…', 1);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Replay dead letters?' }).waitFor();
    expect(acceptedTexts()).toHaveLength(1);
    await tabTo(page, 'Replay 2 dead letters');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Bulk replay or discard' }).waitFor();
    await used.desk.api.waitForAccepted(3);
    expect(new Set(acceptedTexts())).toEqual(new Set(['Tulips', 'Bread', 'Cake']));
  });

  it('holds a page and releases it', async () => {
    await page.goto(new URL('/pages/bakery', worker.url).href);
    for (const [change, undo] of [
      ['Hold', 'Release'],
      ['Release', 'Hold'],
    ] as const) {
      await tabTo(page, `${change} page bakery`);
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: `${undo} page bakery` }).waitFor();
      expect(await page.getByText('An operator stopped this page').count()).toBe(change === 'Hold' ? 1 : 0);
    }
  });
});

function textOf(pageId: string, text: string) {
  return { pageId, conversationId: text, message: { type: 'text' as const, text } };
}

/** Presses Tab until what has that name or label has the focus. Wherever it is meanwhile, it must be seen. */
async function tabTo(page: Page, name: string, most = MOST_TABS): Promise<void> {
  const passed: string[] = [];
  while (passed.length < most) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate<{ name: string; isSeen: boolean }>(FOCUSED);
    if (!focused.isSeen) throw new Error(`the focus on "${focused.name}" can't be seen`);
    if (focused.name.replaceAll(/\s+/g, ' ') === name) return;
    passed.push(focused.name);
  }
  throw new Error(`"${name}" is not reached with ${most} tabs; passed: ${passed.join(' | ')}`);
}
