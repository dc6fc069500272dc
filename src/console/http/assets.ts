import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Hono } from 'hono';

interface Asset {
  path: string;
  type: string;
  content: string;
  etag: string;
}

const own = (name: string): URL => new URL(`../assets/${name}`, import.meta.url);

const CSS = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';
const YEAR_S = 31_536_000;

/** All files that the pages load, read once. A changed file gets a new path, so browsers may keep every file forever. */
const assets = {
  css: load('console.css', CSS, own('console.css')),
  script: load('console.js', SCRIPT, own('console.js')),
  icon: load('icon.svg', 'image/svg+xml', own('icon.svg')),
  htmx: load('htmx.js', SCRIPT, new URL(import.meta.resolve('htmx.org/dist/htmx.min.js'))),
  chartsCss: load('uplot.css', CSS, new URL(import.meta.resolve('uplot/dist/uPlot.min.css'))),
  charts: load('uplot.js', SCRIPT, new URL(import.meta.resolve('uplot/dist/uPlot.iife.min.js'))),
};

function load(name: string, type: string, file: URL): Asset {
  const content = readFileSync(file, 'utf8');
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 16);
  return { path: `/assets/${hash}/${name}`, type, content, etag: `"${hash}"` };
}

/** The path of an asset. */
export function assetPath(name: keyof typeof assets): string {
  return assets[name].path;
}

export function createAssets(): Hono {
  const app = new Hono();
  for (const { path, type, content, etag } of Object.values(assets)) {
    app.get(path, (context) => {
      context.header('Cache-Control', `private, max-age=${YEAR_S}, immutable`);
      context.header('ETag', etag);
      if (context.req.header('if-none-match') === etag) return context.body(null, 304);
      return context.body(content, 200, { 'Content-Type': type });
    });
  }
  return app;
}
