import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { assetTexts } from './asset-texts.ts';

interface Asset {
  path: string;
  type: string;
  content: string;
  etag: string;
}

const CSS = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';
const YEAR_S = 31_536_000;

/** All files that the pages load. A changed file gets a new path, so browsers may keep every file forever. */
const assets = {
  css: asset('console.css', CSS, assetTexts.css),
  script: asset('console.js', SCRIPT, assetTexts.script),
  icon: asset('icon.svg', 'image/svg+xml', assetTexts.icon),
  htmx: asset('htmx.js', SCRIPT, assetTexts.htmx),
  chartsCss: asset('uplot.css', CSS, assetTexts.chartsCss),
  charts: asset('uplot.js', SCRIPT, assetTexts.charts),
};

function asset(name: string, type: string, content: string): Asset {
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
