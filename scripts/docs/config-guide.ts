/** Advice on when to change a setting. The schema holds its meaning and default. */
export interface SettingGuide {
  variable: string;
  when: string;
}

export interface SettingGroup {
  title: string;
  intro: string;
  settings: readonly SettingGuide[];
}

/** Every variable once, in the order of the page. A test checks it against the schema. */
export const settingGroups: readonly SettingGroup[] = [
  {
    title: 'What everybody sets',
    intro: 'Apps need `REDIS_URL` only. Workers need a key as well.',
    settings: [
      {
        variable: 'REDIS_URL',
        when: 'Always, except on a laptop. Use `REDIS_URL_FILE` if the URL contains a password, and `rediss://` if others share the network. [Reaching Redis](redis.md) has the URL for every kind of Redis.',
      },
      {
        variable: 'KITECHAT_API_KEY',
        when: 'For workers, if one key serves every page and your platform keeps environment variables secret.',
      },
      {
        variable: 'KITECHAT_API_KEY_FILE',
        when: 'For workers, instead of the variable above: the key stays out of the environment, where tools show it, and a new key needs no restart.',
      },
      {
        variable: 'KITECHAT_API_KEYS_FILE',
        when: 'When pages have their own keys. You can combine it with one of the two settings above, whose key then serves the pages that are not in the file.',
      },
      {
        variable: 'KITECHAT_API_URL',
        when: 'To point workers at the fake API, at a proxy, or at another environment of the API.',
      },
      {
        variable: 'KITECHAT_NAMESPACE',
        when: 'When several installations share one Redis, such as staging and a trial. All processes of one installation need the same namespace.',
      },
      {
        variable: 'KITECHAT_ENCRYPTION_KEYS_FILE',
        when: 'When people who can read Redis, its files or its backups must not read message content. Workers, apps and operators need the same keys: give a new key to all of them before you put it first in the file. See [encryption](encryption.md).',
      },
      {
        variable: 'KITECHAT_REQUIRE_ENCRYPTION',
        when: 'When all processes have encryption keys, and somebody who can write to Redis must not get a message of their own delivered. Set it for workers, apps and operators, after the last unencrypted message was delivered.',
      },
    ],
  },
  {
    title: 'How much at once',
    intro: 'The defaults suit one or a few workers and an API that answers in a few hundred milliseconds.',
    settings: [
      {
        variable: 'KITECHAT_CONCURRENCY',
        when: 'Raise it when messages wait, all places are taken (`sending` in `status` is near `concurrency`) and the API can handle more. Lower it when the API is overloaded. More workers have the same effect as a higher value, and workers on several machines survive the loss of one.',
      },
      {
        variable: 'KITECHAT_PAGE_PARALLELISM',
        when: 'Set a number to limit every page to it, even if places are free. `auto` shares the places fairly.',
      },
      {
        variable: 'KITECHAT_SHARDS',
        when: 'When one Redis core is fully used and you have a Redis Cluster. Read [scaling](scaling.md) first.',
      },
      {
        variable: 'KITECHAT_SERVE_SHARDS',
        when: 'When you bind workers to certain shards on purpose. Every shard needs at least one worker, or its messages wait.',
      },
      {
        variable: 'KITECHAT_MAX_QUEUED',
        when: 'Lower it to the number of messages that fit into the memory of your Redis: then callers get `QueueFullError` before Redis refuses all writes. [Sizing](operations.md#how-much-memory-redis-needs) says how many that are.',
      },
      {
        variable: 'KITECHAT_REDIS_FULL_AT',
        when: 'Lower it if other programs fill the same Redis quickly. A producer looks at most once a second, so the rest must last for a second. Without `maxmemory`, or with another policy than `noeviction`, it has no effect.',
      },
    ],
  },
  {
    title: 'How fast',
    intro:
      'Limits apply to the whole fleet, not to each worker. `kitechat-sender limits set` changes them at run time.',
    settings: [
      {
        variable: 'KITECHAT_RATE_LIMIT',
        when: 'When the API or your contract limits the total number of requests. Set it a little below that limit, so that the API never answers 429.',
      },
      {
        variable: 'KITECHAT_PAGE_RATE_LIMIT',
        when: 'When the API limits each page, or when one page must not use up a limit that all pages share.',
      },
      {
        variable: 'KITECHAT_RETRY_AFTER_MAX_MS',
        when: 'Lower it if the API asks for unreasonably long waits. The page is tried again after this time at the latest.',
      },
    ],
  },
  {
    title: 'When something fails',
    intro:
      'With the defaults a message is tried at most eight times, with at most about two minutes of backoff in total, and not after a day.',
    settings: [
      {
        variable: 'KITECHAT_TIMEOUT_MS',
        when: 'Raise it if the API answers more slowly than this: otherwise late answers count as unknown outcomes. It also determines how long the messages of a killed worker wait (twice this time, plus two checks).',
      },
      {
        variable: 'KITECHAT_ATTEMPTS',
        when: 'Raise it if the API often fails for minutes without being entirely down. Lower it if a late message is useless.',
      },
      {
        variable: 'KITECHAT_BACKOFF_MS',
        when: 'Raise it if the API needs time to recover after an error. The later messages of the conversation wait as well.',
      },
      {
        variable: 'KITECHAT_BACKOFF_MAX_MS',
        when: 'Lower it if a conversation must not wait for minutes. Raise it together with the number of attempts.',
      },
      {
        variable: 'KITECHAT_ANSWERS',
        when: 'Choose `any-2xx` if the API answers a delivered message with a page, with XML or with a field such as `error` that is not empty. A `classifyResponse` hook is the better choice if only some of these answers are wrong.',
      },
      {
        variable: 'KITECHAT_503',
        when: 'Choose `unknown` if a proxy before the API answers 503 after it has passed the request on: then a message with this answer may have arrived.',
      },
      {
        variable: 'KITECHAT_REFUSALS_TO_HOLD',
        when: 'Lower it if one mistake, such as a template that the API refuses, must cost fewer messages. Raise it, or set `0`, if many conversations are refused in the normal course of a campaign.',
      },
      {
        variable: 'KITECHAT_TTL_MS',
        when: 'Lower it to the age after which a message would confuse its reader. `ttlMs` sets it for a single message.',
      },
      {
        variable: 'KITECHAT_ON_UNKNOWN_OUTCOME',
        when: 'Choose `dead-letter` if a message that arrives twice is worse than a message that waits for a person. `onUnknownOutcome` sets it for a single message.',
      },
      {
        variable: 'KITECHAT_ON_DEAD_LETTER',
        when: 'Choose `hold` if later messages make no sense without the dead one. Then somebody must check dead letters promptly.',
      },
    ],
  },
  {
    title: 'The way to Redis',
    intro:
      'The URL comes first: [Reaching Redis](redis.md) has it for one server, Sentinel, a cluster and a socket. The files are read again before each connection.',
    settings: [
      {
        variable: 'REDIS_CA_FILE',
        when: "When the certificate of Redis comes from your company's or your cloud provider's own CA.",
      },
      {
        variable: 'REDIS_CERT_FILE',
        when: 'When Redis asks for a client certificate (`tls-auth-clients yes`). It needs the next one, too.',
      },
      {
        variable: 'REDIS_KEY_FILE',
        when: 'Together with the previous one. The key has no passphrase: protect the file instead.',
      },
      {
        variable: 'REDIS_NAT_MAP',
        when: "When the nodes of a cluster, or the sentinels, name addresses that can't be reached from here: containers, port forwarding, tunnels.",
      },
    ],
  },
  {
    title: 'The way to the API',
    intro: 'See [operations](operations.md#the-way-to-the-api).',
    settings: [
      {
        variable: 'KITECHAT_KEEP_ALIVE_MS',
        when: 'Lower it if requests end as `connection lost` at the start of a burst: the API, or a load balancer before it, closes idle connections sooner. Raise it if you know that they stay open longer, and new connections cost too much.',
      },
      {
        variable: 'KITECHAT_API_CA_FILE',
        when: 'When the certificate of the API, or of a proxy that decrypts its traffic, comes from a private CA.',
      },
      {
        variable: 'KITECHAT_API_CERT_FILE',
        when: 'When the API, or a gateway before it, asks for a client certificate.',
      },
      { variable: 'KITECHAT_API_CERT_KEY_FILE', when: 'Together with the variable above.' },
      {
        variable: 'HTTPS_PROXY',
        when: 'When workers reach the internet only through a proxy. Most platforms set it for all programs. A user and a password may be part of the URL.',
      },
      { variable: 'HTTP_PROXY', when: 'When the API has no TLS, as in tests, and is behind a proxy.' },
      {
        variable: 'NO_PROXY',
        when: 'When the variables above are set for other programs, and the API is reached without a proxy.',
      },
      {
        variable: 'KITECHAT_HOOKS_FILE',
        when: 'When the command `worker` needs hooks, such as your own keys or your own judgement of answers, and you want no program of your own around `createWorker`.',
      },
      {
        variable: 'KITECHAT_TRACES',
        when: 'Choose `child` if you want one picture from the call to the delivery, and messages rarely wait for long. See [traces](tracing.md).',
      },
    ],
  },
  {
    title: 'How long things are kept',
    intro: 'These settings cost Redis memory.',
    settings: [
      {
        variable: 'KITECHAT_KEEP_DONE_MS',
        when: 'Raise it if your app calls `getMessage` or `history` long after delivery. `KITECHAT_KEEP_DONE` limits it further.',
      },
      {
        variable: 'KITECHAT_KEEP_DONE',
        when: 'Raise it if `history`, `conversation` and the console should reach further back without a ledger. A message costs about 1 KB of Redis memory, and each look at a conversation reads them all.',
      },
      {
        variable: 'KITECHAT_KEEP_EVENTS',
        when: 'Raise it if the readers of [events](events.md) may be away for longer than it takes to end so many messages: an event takes about 200 bytes. It costs nothing if nobody reads events.',
      },
      {
        variable: 'KITECHAT_KEEP_DEAD_MS',
        when: 'Lower it if a law or a contract requires that content is deleted sooner. Raise it if dead letters go unchecked for weeks.',
      },
    ],
  },
  {
    title: 'What became of messages',
    intro: 'See [the ledger](ledger.md).',
    settings: [
      {
        variable: 'KITECHAT_LEDGER',
        when: 'When the story of a conversation must be known for longer than Redis keeps messages. Set it for the command `ledger`, which writes there, and for whatever reads histories. Use `KITECHAT_LEDGER_FILE` if the URL contains a password.',
      },
    ],
  },
  {
    title: 'After a restore of Redis',
    intro: 'See [backup and restore](backup.md).',
    settings: [
      {
        variable: 'KITECHAT_STATE_DIR',
        when: 'Set it to a folder that survives a restart of the machine. Workers write a few bytes there every five seconds, and may share the folder. Without it, a restore is noticed only by workers that kept running, or suspected.',
      },
    ],
  },
  {
    title: 'Stopping',
    intro: '',
    settings: [
      {
        variable: 'KITECHAT_SHUTDOWN_MS',
        when: 'Change it together with the grace period of your platform, which must be longer: the default is 10 s for Docker, 30 s for Kubernetes.',
      },
    ],
  },
  {
    title: 'Monitoring',
    intro: 'See [operations](operations.md) and [metrics](metrics.md).',
    settings: [
      {
        variable: 'KITECHAT_HEARTBEAT_FILE',
        when: 'For a health check in an image of your own that costs next to nothing: the check only looks how old the file is. See [containers](containers.md#health).',
      },
      { variable: 'KITECHAT_HTTP_PORT', when: 'Set it in production: health checks, metrics and the console need it.' },
      {
        variable: 'KITECHAT_HTTP_HOST',
        when: 'Set `0.0.0.0` in a container, where probes and proxies connect from outside. Then a token is required.',
      },
      {
        variable: 'KITECHAT_CONSOLE_TOKEN',
        when: 'Whenever the host above is not loopback. Use a long random token, preferably from a file.',
      },
      {
        variable: 'KITECHAT_CONSOLE_TOKENS_FILE',
        when: 'When several people use the console: who did what is then known by name, and not everybody has to be allowed everything. [The console](console.md) has the rules.',
      },
      {
        variable: 'KITECHAT_CONSOLE_SHOW_CONTENT',
        when: 'Set `true` only if everybody who has the token may read messages. Editing before a replay requires it.',
      },
      {
        variable: 'KITECHAT_TRUSTED_PROXIES',
        when: 'When a proxy is in front of the console: without it all its clients count as one, and somebody who floods the login with wrong tokens locks out the others.',
      },
      {
        variable: 'LOG_LEVEL',
        when: 'Set `warn` to log only dead letters, unknown outcomes and what needs attention. Set `debug` to diagnose a problem. If there are too many lines, the variable below is better.',
      },
      {
        variable: 'KITECHAT_LOG_DELIVERED',
        when: 'When one line per delivery costs too much, such as at more than 100 messages per second. Metrics count all of them.',
      },
    ],
  },
];
