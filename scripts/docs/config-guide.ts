/** When to change a setting. What it means and its default stand in the schema; here is only what helps to decide. */
export interface SettingGuide {
  variable: string;
  when: string;
}

export interface SettingGroup {
  title: string;
  intro: string;
  settings: readonly SettingGuide[];
}

/** Every variable once, in the order of the page. A test holds it and the schema together. */
export const settingGroups: readonly SettingGroup[] = [
  {
    title: 'What everybody sets',
    intro: 'Apps need `REDIS_URL` only. Workers need a key as well.',
    settings: [
      {
        variable: 'REDIS_URL',
        when: 'Always, but on a laptop. Use `REDIS_URL_FILE` when the URL holds a password, and `rediss://` when the network is not yours alone.',
      },
      {
        variable: 'KITECHAT_API_KEY',
        when: 'For workers, when one key serves every page and your platform keeps environment variables secret.',
      },
      {
        variable: 'KITECHAT_API_KEY_FILE',
        when: 'For workers, instead of the variable above: the key is not in the environment, where tools show it, and a new one needs no restart.',
      },
      {
        variable: 'KITECHAT_API_KEYS_FILE',
        when: 'When pages have keys of their own. It goes together with one of the two above: that one serves the pages that the file lacks.',
      },
      {
        variable: 'KITECHAT_API_URL',
        when: 'To point workers at the fake API, at a proxy, or at another environment of the API.',
      },
      {
        variable: 'KITECHAT_NAMESPACE',
        when: 'When several installations share one Redis, such as staging and a trial. All processes of one installation need the same.',
      },
      {
        variable: 'KITECHAT_ENCRYPTION_KEYS_FILE',
        when: 'When whoever can read Redis, its files or its backups must not read what messages say. Workers, apps and operators need the same keys: give a new key to all of them before it becomes the first in the file. See [encryption](encryption.md).',
      },
    ],
  },
  {
    title: 'How much at once',
    intro: 'The defaults suit one or a few workers and an API that answers in some hundred milliseconds.',
    settings: [
      {
        variable: 'KITECHAT_CONCURRENCY',
        when: 'Up, when messages wait, all places are taken (`sending` in `status` is near `concurrency`) and the API takes more. Down, when the API suffers. More workers do the same, and survive a machine.',
      },
      {
        variable: 'KITECHAT_PAGE_PARALLELISM',
        when: 'Set a number to give no page more than that, whatever is free. `auto` shares fairly.',
      },
      {
        variable: 'KITECHAT_SHARDS',
        when: 'When one Redis core is full and you have a Redis Cluster, or several places to spread it over. See [scaling](scaling.md) before you touch it.',
      },
      {
        variable: 'KITECHAT_SERVE_SHARDS',
        when: 'When workers are bound to some shards on purpose. Every shard needs at least one worker, or its messages wait.',
      },
      {
        variable: 'KITECHAT_MAX_QUEUED',
        when: 'Down, to the number of messages that your Redis has memory for: then callers get `QueueFullError` before Redis refuses everything.',
      },
    ],
  },
  {
    title: 'How fast',
    intro:
      'Limits count for the whole fleet, not for each worker. `kitechat-sender limits set` changes them at run time.',
    settings: [
      {
        variable: 'KITECHAT_RATE_LIMIT',
        when: 'When the API, or your contract, allows only so many requests in all. A little below the limit of the other side, so that it never says 429.',
      },
      {
        variable: 'KITECHAT_PAGE_RATE_LIMIT',
        when: 'When each page is limited, or one page must not use up what all share.',
      },
      {
        variable: 'KITECHAT_RETRY_AFTER_MAX_MS',
        when: 'Down, if the API asks for absurd waits. The page is tried again after this time at the latest.',
      },
    ],
  },
  {
    title: 'When something fails',
    intro:
      'With the defaults a message is tried eight times, with at most two minutes of backoff in all, and never after a day.',
    settings: [
      {
        variable: 'KITECHAT_TIMEOUT_MS',
        when: 'Up, if the API is slow and answers later than this: otherwise outcomes are unknown that would have been known. It also sets how long the messages of a killed worker wait (twice this, and two checks).',
      },
      {
        variable: 'KITECHAT_ATTEMPTS',
        when: 'Up, if the API often fails for minutes without being down as a whole. Down, if a late message is worth nothing.',
      },
      {
        variable: 'KITECHAT_BACKOFF_MS',
        when: 'Up, if the API needs rest after an error. The later messages of the conversation wait as well.',
      },
      {
        variable: 'KITECHAT_BACKOFF_MAX_MS',
        when: 'Down, if a conversation must not wait for minutes. Up, together with more attempts.',
      },
      {
        variable: 'KITECHAT_TTL_MS',
        when: 'Down, to the age after which a message would confuse its reader. A message may have its own: `ttlMs`.',
      },
      {
        variable: 'KITECHAT_ON_UNKNOWN_OUTCOME',
        when: '`dead-letter`, if a message that arrives twice is worse than one that waits for a person. A message may have its own: `onUnknownOutcome`.',
      },
      {
        variable: 'KITECHAT_ON_DEAD_LETTER',
        when: '`hold`, if what follows makes no sense without what died. Then somebody has to look at dead letters soon.',
      },
    ],
  },
  {
    title: 'How long things are kept',
    intro: 'Both cost memory of Redis.',
    settings: [
      {
        variable: 'KITECHAT_KEEP_DONE_MS',
        when: 'Up, if your app asks `getMessage` long after delivery. At most 1,000 per shard are kept all the same.',
      },
      {
        variable: 'KITECHAT_KEEP_DEAD_MS',
        when: 'Down, if content must be gone sooner, as a law or a contract may say. Up, if nobody looks for weeks.',
      },
    ],
  },
  {
    title: 'Stopping',
    intro: '',
    settings: [
      {
        variable: 'KITECHAT_SHUTDOWN_MS',
        when: 'Together with the grace period of your platform, which must be longer: Docker gives 10 s by itself, Kubernetes 30 s.',
      },
    ],
  },
  {
    title: 'Looking at it',
    intro: 'See [operations](operations.md) and [metrics](metrics.md).',
    settings: [
      { variable: 'KITECHAT_HTTP_PORT', when: 'Set it in production: health checks, metrics and the console need it.' },
      {
        variable: 'KITECHAT_HTTP_HOST',
        when: '`0.0.0.0` in a container, where a probe or a proxy comes from outside. Then a token is needed.',
      },
      {
        variable: 'KITECHAT_CONSOLE_TOKEN',
        when: 'Whenever the host above is not loopback. Long and random, best from a file.',
      },
      {
        variable: 'KITECHAT_CONSOLE_SHOW_CONTENT',
        when: '`true`, only if those who hold the token may read messages. Editing before a replay needs it.',
      },
      {
        variable: 'LOG_LEVEL',
        when: '`warn`, if one line per attempt is too much: what died or is unknown is still told. `debug`, to look for a fault.',
      },
    ],
  },
];
