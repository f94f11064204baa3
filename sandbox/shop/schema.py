"""Schema: the tables of the shop. The first part is what others read by a mapping; the rest is its
own.
"""

from __future__ import annotations

__all__ = ["SCHEMA"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, phone TEXT, email TEXT, line_id TEXT,
  address TEXT, language TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL UNIQUE, customer_id INTEGER NOT NULL,
  status TEXT NOT NULL, status_since TEXT NOT NULL, created_at TEXT NOT NULL,
  total_minor INTEGER NOT NULL, list_minor INTEGER NOT NULL, discount_minor INTEGER NOT NULL,
  shipping_minor INTEGER NOT NULL, currency TEXT NOT NULL, courier TEXT, route TEXT,
  replaces INTEGER);
CREATE INDEX IF NOT EXISTS orders_by_status ON orders (status, status_since);
CREATE INDEX IF NOT EXISTS orders_by_time ON orders (created_at);
CREATE TABLE IF NOT EXISTS order_events (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, from_status TEXT, to_status TEXT NOT NULL,
  at TEXT NOT NULL, by TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS order_events_by_order ON order_events (order_id);
CREATE INDEX IF NOT EXISTS order_events_by_time ON order_events (at);
CREATE TABLE IF NOT EXISTS payments (
  id TEXT PRIMARY KEY, order_id INTEGER NOT NULL, channel TEXT NOT NULL, method TEXT NOT NULL,
  amount_minor INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL, failure TEXT,
  stage TEXT, bank TEXT, created_at TEXT NOT NULL, settled_at TEXT);
CREATE INDEX IF NOT EXISTS payments_by_order ON payments (order_id);
CREATE INDEX IF NOT EXISTS payments_by_time ON payments (channel, created_at);
CREATE TABLE IF NOT EXISTS refunds (
  id TEXT PRIMARY KEY, payment_id TEXT NOT NULL, order_id INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL, reason TEXT,
  created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS refunds_by_order ON refunds (order_id);
CREATE TABLE IF NOT EXISTS payment_links (
  id TEXT PRIMARY KEY, order_id INTEGER NOT NULL, amount_minor INTEGER NOT NULL,
  currency TEXT NOT NULL, purpose TEXT NOT NULL, status TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS payment_links_by_order ON payment_links (order_id);
CREATE TABLE IF NOT EXISTS compensations (
  id TEXT PRIMARY KEY, order_id INTEGER NOT NULL, kind TEXT NOT NULL, amount_minor INTEGER NOT NULL,
  currency TEXT NOT NULL, reason TEXT, code TEXT, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, customer_id INTEGER NOT NULL,
  via TEXT NOT NULL, template TEXT NOT NULL, text TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS messages_by_order ON messages (order_id);
CREATE TABLE IF NOT EXISTS vendor_tickets (
  id TEXT PRIMARY KEY, vendor TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL,
  created_at TEXT NOT NULL, answer TEXT);
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mutations (
  id INTEGER PRIMARY KEY, at TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  idempotency_key TEXT, body TEXT, status INTEGER NOT NULL, replayed INTEGER NOT NULL,
  effect INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS mutations_by_key ON mutations (idempotency_key);

-- The shop's own book-keeping.
CREATE TABLE IF NOT EXISTS idempotency (
  key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL,
  response TEXT NOT NULL, at TEXT NOT NULL);
-- When an order moves on by itself; held: it does not (stuck); pays_link: its customer would pay.
CREATE TABLE IF NOT EXISTS order_plan (
  order_id INTEGER PRIMARY KEY, next_at TEXT, held TEXT, pays_link INTEGER NOT NULL DEFAULT 1);
CREATE INDEX IF NOT EXISTS order_plan_by_time ON order_plan (next_at);
CREATE INDEX IF NOT EXISTS order_plan_held ON order_plan (held) WHERE held IS NOT NULL;
-- What the payment channel really did, whatever it told the shop.
CREATE TABLE IF NOT EXISTS charges (payment_id TEXT PRIMARY KEY, charged INTEGER NOT NULL);
-- What receipts and payment records know of each order: it survives a loss of order data.
CREATE TABLE IF NOT EXISTS journal (
  order_id INTEGER PRIMARY KEY, number TEXT NOT NULL, total_minor INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS lost_orders (
  order_id INTEGER PRIMARY KEY, data TEXT NOT NULL, events TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sequences (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
