FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No install script is needed in an image: Node.js is here already, and the native parts come prebuilt.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json LICENSE ./
COPY scripts ./scripts
COPY src ./src
# Files of a private checkout (umask 077) must be readable by the user below.
RUN npm run build && chmod -R a+rX dist package.json
# pg, for a ledger in PostgreSQL, with what it needs: left to those who want it elsewhere.
RUN mkdir postgres && cd node_modules && cp -r pg pg-connection-string pg-int8 pg-pool pg-protocol pg-types pgpass \
  postgres-array postgres-bytea postgres-date postgres-interval split2 xtend ../postgres && chmod -R a+rX ../postgres

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Nothing here needs declarations, sources and maps.
RUN npm ci --omit=dev --ignore-scripts \
  && find node_modules -type f \( -name '*.ts' -o -name '*.[cm]ts' -o -name '*.map' \) -delete

FROM node:24-bookworm-slim
# In memory, since the file system may be read-only.
ENV NODE_ENV=production KITECHAT_HEARTBEAT_FILE=/dev/shm/kitechat-sender
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
# The board of the console's queues, which is left to those who want it elsewhere.
COPY --from=build /app/node_modules/@bull-board/ui ./node_modules/@bull-board/ui
COPY --from=build /app/postgres ./node_modules
COPY --from=build /app/package.json ./
COPY --from=build /app/dist ./dist
# Whoever gets in finds nothing that installs, and nothing that runs with the rights of another user.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* /opt/yarn* \
  && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
  # For KITECHAT_STATE_DIR and KITECHAT_LEDGER: volumes that are mounted here get this owner.
  && install -d -o 1000 -g 1000 /var/lib/kitechat-sender /var/lib/kitechat-ledger
# The user "node", as a number: that is how Kubernetes can tell that it is not root.
USER 1000:1000
# Without Node.js, which would need more processor time and memory than many a worker.
HEALTHCHECK --interval=15s --timeout=8s --start-period=20s --retries=3 \
  CMD test -n "$(find "$KITECHAT_HEARTBEAT_FILE" -newermt '15 seconds ago')" || { echo 'no recent report to the fleet'; exit 1; }
# No shell in between: the worker is process 1 and gets the SIGTERM of "docker stop" itself.
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["worker"]
