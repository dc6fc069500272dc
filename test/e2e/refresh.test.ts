import type { Page } from 'playwright-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Producer } from '../../src/producer/index.ts';
import type { HttpProcess } from '../support/http-process.ts';
import { useDesk } from './support/use-desk.ts';

const PAUSED = 'Refresh paused while in use';

describe('a page that refreshes itself', () => {
  const used = useDesk();
  let worker: HttpProcess;
  let producer: Producer;
  let page: Page;
  let dead = 0;

  beforeAll(async () => {
    used.desk.api.setFaults([{ kind: 'status', status: 400 }]);
    worker = await used.desk.startWorker();
    producer = used.desk.producer();
    await killOne();
  });
  beforeEach(async () => {
    ({ page } = await used.browser.open());
    await page.goto(worker.url);
    await seeDead(page, dead);
  });

  async function killOne(): Promise<void> {
    dead += 1;
    await producer.enqueueMessage({
      pageId: 'bakery',
      conversationId: 'anna',
      message: { type: 'text', text: 'Bread' },
    });
  }

  it('goes on under a pointer that rests on a button', async () => {
    await page.locator('summary').hover();
    await killOne();
    await seeDead(page, dead);
    expect(await page.getByText(PAUSED).isVisible()).toBe(false);
  });

  it('stands still while a question is open, says so, and goes on when it is closed', async () => {
    await page.locator('summary').click();
    await page.getByText(PAUSED).waitFor();
    const before = dead;
    const { page: other } = await used.browser.open();
    await other.goto(worker.url);
    await killOne();
    await seeDead(other, dead);
    await seeDead(page, before);
    await page.locator('summary').click();
    await page.getByText(PAUSED).waitFor({ state: 'hidden' });
    await seeDead(page, dead);
    expect(dead).toBeGreaterThan(before);
  });

  it('goes on under the focus, and leaves it where it is', async () => {
    const link = page.getByRole('link', { name: 'Show dead letters: rejected' });
    await page.keyboard.press('Tab');
    await link.focus();
    await killOne();
    await seeDead(page, dead);
    expect(await page.evaluate('document.activeElement.innerText')).toBe('Show dead letters: rejected');
  });

  it('leaves the focus on a link whose address changes with the time', async () => {
    const link = page.getByRole('link', { name: 'Show dead letters: rejected' });
    await page.evaluate(
      `for (const link of document.links) link.href = link.href.replace(/since=[^&]*/, 'since=2020-01-01T00%3A00')`,
    );
    await page.keyboard.press('Tab');
    await link.focus();
    await killOne();
    await seeDead(page, dead);
    expect(await page.evaluate('document.activeElement.innerText')).toBe('Show dead letters: rejected');
  });
});

async function seeDead(page: Page, count: number): Promise<void> {
  const number = page.locator('.numbers > div').filter({ has: page.getByText('Dead', { exact: true }) });
  await number
    .locator('dd')
    .filter({ hasText: new RegExp(`^\\s*${count}\\s*$`) })
    .waitFor();
}
