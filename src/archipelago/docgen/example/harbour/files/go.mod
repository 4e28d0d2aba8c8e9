module archipelago.local/harbour

go 1.25.10

require github.com/lightningnetwork/lnd v0.21.0-beta
