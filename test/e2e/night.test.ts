import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Producer } from '../../src/producer/index.ts';
import { eventually } from '../support/eventually.ts';
import type { HttpProcess } from '../support/http-process.ts';
import { useDesk } from './support/use-desk.ts';

const REASON = 'message.text: vouchers need an approved template';
const DEAD = 51;

// One night, told in order: each test goes on where the one before has ended.
describe('the night in which messages die', () => {
  const used = useDesk();
  let worker: HttpProcess;
  let producer: Producer;
  let page: Page;
  /** The overview on the operator's second screen. It is loaded once. */
  let wall: Page;

  beforeAll(async () => {
    used.desk.api.setFaults([
      {
        kind: 'status',
        status: 400,
        body: { success: false, message: REASON },
        match: { pageId: 'bakery', textIncludes: 'voucher' },
      },
    ]);
    worker = await used.desk.startWorker({ KITECHAT_CONSOLE_SHOW_CONTENT: 'true', KITECHAT_REFUSALS_TO_HOLD: '0' });
    producer = used.desk.producer();
    await producer.enqueueMessages(
      Array.from({ length: DEAD }, (_, n) => textOf('bakery', `customer-${n}`, `Your voucher ${n}`)),
    );
    // What has nothing to do with it arrives.
    await producer.enqueueMessages(Array.from({ length: 10 }, (_, n) => textOf('tea-house', 'anna', `Tea ${n}`)));
    await used.desk.api.waitForAccepted(10);
    ({ page } = await used.browser.open());
    ({ page: wall } = await used.browser.open());
    await wall.goto(worker.url);
    await seeNumber(wall, 'Dead', '51');
    // It stays in this page as long as that isn't loaded again.
    await wall.evaluate('window.isTheFirst = true');
  });

  const acceptedOf = (pageId: string): string[] =>
    used.desk.api.accepted.flatMap((one) => (one.pageId === pageId ? [String(one.message.text)] : []));

  it('says on the overview that messages died, and in two clicks what the API answered', async () => {
    await page.goto(worker.url);
    await page.getByText('51 messages died in the last hour: rejected').waitFor();
    await page.getByRole('link', { name: 'Show dead letters: rejected' }).click();
    await page
      .getByRole('row')
      .filter({ hasText: 'bakery' })
      .filter({ hasText: 'HTTP 400' })
      .first()
      .getByRole('link')
      .first()
      .click();
    await page.getByRole('heading', { name: "The API's answer" }).waitFor();
    await page.getByText(REASON).waitFor();
    const attempts = page.getByRole('region', { name: '1 attempt' });
    expect(await attempts.getByRole('cell').allInnerTexts()).toEqual(expect.arrayContaining(['400', 'yes']));
    expect(await attempts.innerText()).toContain('rejected');
  });

  it('refuses an edit that breaks a rule, and keeps what was typed', async () => {
    await page.getByText('Edit and replay…').click();
    await page.getByLabel('message.text').fill('');
    await page.getByRole('button', { name: 'Replay with these texts' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').innerText()).toContain('message.text');
    expect(await page.getByLabel('message.text').inputValue()).toBe('');
    expect(acceptedOf('bakery')).toEqual([]);
  });

  it('sends an edited message again, and says under which id', async () => {
    await page.getByLabel('message.text').fill('A small gift waits for you.\nSee you on Sunday!');
    await page.getByRole('button', { name: 'Replay with these texts' }).click();
    await page.getByRole('status').filter({ hasText: 'is sent again as message' }).waitFor();
    await used.desk.api.waitForAccepted(11);
    expect(acceptedOf('bakery')).toEqual(['A small gift waits for you.\nSee you on Sunday!']);
    await page.getByRole('link', { name: 'Show the message' }).click();
    await page.getByText('delivered').first().waitFor();
    await seeNumber(wall, 'Dead', '50');
  });

  it('replays all 50 that match a filter, once it was confirmed, and shows how far it is', async () => {
    used.desk.api.setFaults([]);
    await page.getByRole('link', { name: 'Dead letters' }).click();
    const filter = page.getByRole('search', { name: 'Filter the dead letters' });
    await filter.getByLabel('Reason').selectOption('rejected');
    await filter.getByLabel('Page').fill('bakery');
    await filter.getByRole('button', { name: 'Filter' }).click();
    await page.getByText('The newest 50 of 50 dead letters').waitFor();
    await page.getByRole('button', { name: 'Replay all that match…' }).click();
    await page.getByRole('heading', { name: 'Replay dead letters?' }).waitFor();
    await page.getByText('50 dead letters: reason rejected, page bakery', { exact: false }).waitFor();
    expect(acceptedOf('bakery')).toHaveLength(1);
    await page.getByLabel('Limit').fill('20/s');
    await page.getByRole('button', { name: 'Replay 50 dead letters' }).click();
    await page.getByRole('progressbar').waitFor();
    // The page of the job looks again by itself until it has ended.
    await seeFact(page, 'State', /done/);
    await seeFact(page, 'Replayed', /^50$/);
    await seeFact(page, 'Skipped', /^0$/);
  });

  it('shows that they are delivered, on a page that nobody touches', async () => {
    await used.desk.api.waitForAccepted(61);
    const vouchers = acceptedOf('bakery').filter((text) => text.startsWith('Your voucher'));
    expect(new Set(vouchers).size).toBe(50);
    expect(vouchers).toHaveLength(50);
    expect(used.desk.api.report().duplicates.count).toBe(0);
    await seeNumber(wall, 'Dead', '0');
    await seeNumber(wall, 'Delivered per second', /^(?!0$)/);
    await wall.getByText('Nothing needs attention').first().waitFor();
    expect(await wall.evaluate('window.isTheFirst')).toBe(true);
  });

  it('holds a page: its messages wait and are seen', async () => {
    await page.goto(new URL('/pages/bakery', worker.url).href);
    await page.getByRole('button', { name: 'Hold page bakery' }).click();
    await page.getByRole('status').filter({ hasText: 'Page bakery is held' }).waitFor();
    await page.getByText('An operator stopped this page').waitFor();
    const receipts = await producer.enqueueMessages([1, 2, 3].map((n) => textOf('bakery', 'emma', `Bread ${n}`)));
    await seeFact(page, 'Open messages', /^3$/);
    await page.getByRole('row').filter({ hasText: 'emma' }).filter({ hasText: 'held' }).waitFor();
    await wall.getByText('Page bakery is held').waitFor();
    for (const { id } of receipts) {
      await eventually('it is held', async () => (await producer.getMessage(id))?.status === 'held');
    }
    expect(acceptedOf('bakery')).toHaveLength(51);
  });

  it('releases it: they go, in their order', async () => {
    await page.getByRole('button', { name: 'Release page bakery' }).click();
    await page.getByRole('status').filter({ hasText: 'Page bakery is released' }).waitFor();
    await used.desk.api.waitForAccepted(64);
    expect(acceptedOf('bakery').slice(-3)).toEqual(['Bread 1', 'Bread 2', 'Bread 3']);
    await seeFact(page, 'Open messages', /^0$/);
    await page.getByText('No message of this page waits').waitFor();
    await wall.getByText('Nothing needs attention').first().waitFor();
    expect(await wall.evaluate('window.isTheFirst')).toBe(true);
    expect(used.desk.api.report().outOfOrder.count).toBe(0);
  });
});

function textOf(pageId: string, conversationId: string, text: string) {
  return { pageId, conversationId, message: { type: 'text' as const, text } };
}

/** Waits until a number of the overview is this one. */
async function seeNumber(page: Page, name: string, value: string | RegExp): Promise<void> {
  const number = page.locator('.numbers > div').filter({ has: page.getByText(name, { exact: true }) });
  await number
    .locator('dd')
    .filter({ hasText: typeof value === 'string' ? new RegExp(`^\\s*${value}\\s*$`) : value })
    .waitFor();
}

/** Waits until a fact that a view names has this value. */
async function seeFact(page: Page, name: string, value: RegExp): Promise<void> {
  const fact = page.locator('.facts > div').filter({ has: page.getByText(name, { exact: true }) });
  await fact.locator('dd').filter({ hasText: value }).waitFor();
}
