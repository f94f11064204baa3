// The smallest Medusa 2: its own modules, no admin, no Redis.
const { defineConfig } = require("@medusajs/framework/utils")

const nowhere = "http://localhost"

module.exports = defineConfig({
  admin: { disable: true },
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    http: { storeCors: nowhere, adminCors: nowhere, authCors: nowhere, jwtSecret: "test", cookieSecret: "test" },
  },
})
