import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { startBrowser, type TestBrowser } from './support/browser.ts';
import { startDesk } from './support/desk.ts';

it('says that Redis is away, and comes back by itself', async () => {
  await using desk = await startDesk();
  const worker = await desk.startWorker();
  await using browser = await startBrowser();
  const page = await openAt(worker.url, browser, 'Nothing needs attention');

  await desk.redis.kill();
  await page.getByText('Redis does not answer.').first().waitFor();
  await page.goto(new URL('/pages', worker.url).href);
  await page.getByRole('heading', { name: 'Redis does not answer' }).waitFor();

  await desk.redis.restart();
  await page.getByRole('heading', { name: 'Pages', exact: true }).waitFor();
  expect(await page.getByText('Redis does not answer').count()).toBe(0);
});

it('says that what is seen is old when the console itself is away', async () => {
  await using desk = await startDesk();
  const console = await desk.startConsole();
  await using browser = await startBrowser();
  const page = await openAt(console.url, browser, 'has used this namespace');
  console.kill('SIGTERM');
  expect(await console.ended()).toBe(0);
  await page.getByRole('status').filter({ hasText: 'The console does not answer' }).waitFor();
  await page.getByText('has used this namespace').waitFor();
});

async function openAt(url: string, browser: TestBrowser, text: string): Promise<Page> {
  const { page } = await browser.open();
  await page.goto(url);
  await page.getByText(text).first().waitFor();
  return page;
}
