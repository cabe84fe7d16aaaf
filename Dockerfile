# One image for every service: the command names which. Built from bundles; see infra/build-image-files.mjs.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /build
COPY . .
# A checkout may be its owner's alone, and the user below is another.
RUN npm ci --no-audit --no-fund --loglevel=error && node infra/build-image-files.mjs /image && chmod -R a+rX /image

FROM node:24.21.0-bookworm-slim
# No name, no home, no shell: a user that owns /data and nothing else.
RUN mkdir /data && chown 10001:10001 /data
COPY --from=build /image /app
WORKDIR /data
USER 10001:10001
ENV NODE_ENV=production RISKLEDGER_DATA_DIR=/data
VOLUME /data
ENTRYPOINT ["node", "/app/bin/riskledger.js"]
CMD ["--help"]
