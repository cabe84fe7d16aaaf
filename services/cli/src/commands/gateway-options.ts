import type { Command } from 'commander'

/** Adds the flags of a gateway to a command that runs one. */
export function addGatewayOptions(command: Command): void {
  command
    .option('--gateway-host <address>', 'address that the gateway listens on (default 127.0.0.1)')
    .option('--gateway-port <port>', 'port of the gateway; 0: any free one (default 8080)')
    .option('--gateway-keys <file>', 'keys file: who may come in (riskledger gateway keys create)')
    .option('--gateway-auth <on|off>', 'off lets everybody in, on a loopback address alone (default on)')
    .option('--gateway-cert <file>', 'certificate chain, PEM; with --gateway-key, the gateway speaks TLS')
    .option('--gateway-key <file>', 'private key of the certificate, PEM')
}
