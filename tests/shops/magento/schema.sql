-- The tables of a Magento 2 shop, as far as its orders go. Written for MariaDB from what the projects' sources say of
-- them: names, types, keys. Of the amounts, those of compensation taxes and cancellations are left out but for a few.
--   magento/magento2 at 043540859ed5: db_schema.xml of Magento_Sales, Magento_Store, Magento_Config, Magento_Customer
--   magento/inventory: db_schema.xml of Inventory and InventoryReservations

create table store (
  store_id smallint unsigned auto_increment primary key,
  code varchar(32), website_id smallint unsigned not null default 0, group_id smallint unsigned not null default 0,
  name varchar(255) not null, sort_order smallint unsigned not null default 0, is_active smallint unsigned not null default 0,
  unique key store_code (code)
);
create table core_config_data (
  config_id int unsigned auto_increment primary key,
  scope varchar(8) not null default 'default', scope_id int not null default 0, path varchar(255) not null default 'general',
  value text, updated_at timestamp not null default current_timestamp on update current_timestamp,
  unique key scope_scope_id_path (scope, scope_id, path)
);
create table customer_entity (
  entity_id int unsigned auto_increment primary key,
  website_id smallint unsigned, email varchar(255), group_id smallint unsigned not null default 0,
  store_id smallint unsigned default 0, created_at timestamp not null default current_timestamp,
  updated_at timestamp not null default current_timestamp on update current_timestamp,
  unique key email_website_id (email, website_id)
);
create table sales_order (
  entity_id int unsigned auto_increment primary key,
  state varchar(32), status varchar(32), coupon_code varchar(255), shipping_description varchar(255),
  is_virtual smallint unsigned, store_id smallint unsigned, customer_id int unsigned,
  base_grand_total decimal(20, 4), base_total_paid decimal(20, 4), base_total_refunded decimal(20, 4),
  base_discount_amount decimal(20, 4), base_shipping_amount decimal(20, 4), base_shipping_tax_amount decimal(20, 4),
  base_subtotal decimal(20, 4), base_tax_amount decimal(20, 4), base_to_global_rate decimal(20, 4),
  base_to_order_rate decimal(20, 4), base_total_invoiced decimal(20, 4), base_total_due decimal(20, 4),
  base_subtotal_incl_tax decimal(20, 4), base_shipping_incl_tax decimal(20, 4), store_to_base_rate decimal(12, 4),
  store_to_order_rate decimal(12, 4), subtotal_invoiced decimal(12, 4), tax_invoiced decimal(20, 4),
  shipping_invoiced decimal(20, 4),
  discount_amount decimal(20, 4), grand_total decimal(20, 4), shipping_amount decimal(20, 4),
  shipping_tax_amount decimal(20, 4), subtotal decimal(20, 4), tax_amount decimal(20, 4), total_canceled decimal(20, 4),
  total_due decimal(20, 4), total_invoiced decimal(20, 4), total_paid decimal(20, 4), total_refunded decimal(20, 4),
  total_qty_ordered decimal(12, 4), subtotal_incl_tax decimal(20, 4), shipping_incl_tax decimal(20, 4),
  customer_is_guest smallint unsigned, billing_address_id int, shipping_address_id int, quote_id int,
  increment_id varchar(50), base_currency_code varchar(3), customer_email varchar(128), customer_firstname varchar(128),
  customer_lastname varchar(128), ext_order_id varchar(32), global_currency_code varchar(3),
  hold_before_state varchar(32), hold_before_status varchar(32), order_currency_code varchar(3), remote_ip varchar(45),
  shipping_method varchar(120), store_currency_code varchar(3), store_name varchar(255), customer_note text,
  created_at timestamp not null default current_timestamp,
  updated_at timestamp not null default current_timestamp on update current_timestamp,
  total_item_count smallint unsigned not null default 0,
  unique key increment_id_store_id (increment_id, store_id),
  key status (status), key state (state), key store_id (store_id), key created_at (created_at),
  key customer_id (customer_id), key updated_at (updated_at),
  key customer_email_customer_is_guest_store_id (customer_email, customer_is_guest, store_id),
  foreign key (customer_id) references customer_entity (entity_id) on delete set null,
  foreign key (store_id) references store (store_id) on delete set null
);
create table sales_order_address (
  entity_id int unsigned auto_increment primary key,
  parent_id int unsigned, customer_address_id int, region_id int, customer_id int, fax varchar(255), region varchar(255),
  postcode varchar(255), lastname varchar(255), street varchar(255), city varchar(255), email varchar(255),
  telephone varchar(255), country_id varchar(2), firstname varchar(255), address_type varchar(255), company varchar(255),
  foreign key (parent_id) references sales_order (entity_id) on delete cascade
);
create table sales_order_status_history (
  entity_id int unsigned auto_increment primary key,
  parent_id int unsigned not null, is_customer_notified int, is_visible_on_front smallint unsigned not null default 0,
  comment text, status varchar(32), created_at timestamp not null default current_timestamp, entity_name varchar(32),
  key created_at (created_at), foreign key (parent_id) references sales_order (entity_id) on delete cascade
);
create table sales_order_status (
  status varchar(32) not null primary key, label varchar(128) not null
);
create table sales_order_status_state (
  status varchar(32) not null, state varchar(32) not null, is_default smallint unsigned not null default 0,
  visible_on_front smallint unsigned not null default 0, primary key (status, state),
  foreign key (status) references sales_order_status (status) on delete cascade
);
create table sales_order_item (
  item_id int unsigned auto_increment primary key,
  order_id int unsigned not null default 0, parent_item_id int unsigned, store_id smallint unsigned,
  created_at timestamp not null default current_timestamp, product_id int unsigned, product_type varchar(255),
  sku varchar(255), name varchar(255), qty_canceled decimal(12, 4) default 0, qty_invoiced decimal(12, 4) default 0,
  qty_ordered decimal(12, 4) default 0, qty_refunded decimal(12, 4) default 0, qty_shipped decimal(12, 4) default 0,
  price decimal(20, 4) not null default 0, discount_amount decimal(20, 4) default 0, row_total decimal(20, 4) not null default 0,
  base_price decimal(12, 4) not null default 0, original_price decimal(12, 4), tax_percent decimal(12, 4) default 0,
  tax_amount decimal(20, 4) default 0, base_tax_amount decimal(20, 4) default 0, base_discount_amount decimal(20, 4) default 0,
  base_row_total decimal(20, 4) not null default 0, base_row_total_incl_tax decimal(20, 4), row_invoiced decimal(20, 4) not null default 0,
  weight decimal(12, 4) default 0,
  price_incl_tax decimal(20, 4), row_total_incl_tax decimal(20, 4),
  foreign key (order_id) references sales_order (entity_id) on delete cascade
);
create table sales_order_payment (
  entity_id int unsigned auto_increment primary key,
  parent_id int unsigned not null, amount_refunded decimal(20, 4),
  base_amount_paid decimal(20, 4), base_amount_ordered decimal(20, 4), base_shipping_amount decimal(20, 4),
  shipping_amount decimal(20, 4), amount_canceled decimal(20, 4), amount_paid decimal(20, 4),
  amount_authorized decimal(20, 4), amount_ordered decimal(20, 4), method varchar(128), last_trans_id varchar(255),
  cc_trans_id varchar(32), additional_information text,
  foreign key (parent_id) references sales_order (entity_id) on delete cascade
);
create table sales_invoice (
  entity_id int unsigned auto_increment primary key,
  store_id smallint unsigned, base_grand_total decimal(20, 4), grand_total decimal(20, 4), shipping_amount decimal(20, 4),
  total_qty decimal(12, 4), subtotal decimal(20, 4),
  tax_amount decimal(20, 4), base_tax_amount decimal(20, 4), discount_amount decimal(20, 4), base_subtotal decimal(20, 4),
  base_shipping_amount decimal(20, 4), subtotal_incl_tax decimal(20, 4), base_to_order_rate decimal(20, 4), global_currency_code varchar(3), order_id int unsigned not null, state int,
  store_currency_code varchar(3), transaction_id varchar(255), order_currency_code varchar(3), base_currency_code varchar(3),
  increment_id varchar(50), created_at timestamp not null default current_timestamp,
  updated_at timestamp not null default current_timestamp on update current_timestamp,
  unique key increment_id_store_id (increment_id, store_id), key state (state), key created_at (created_at),
  foreign key (order_id) references sales_order (entity_id) on delete cascade
);
create table sales_creditmemo (
  entity_id int unsigned auto_increment primary key,
  store_id smallint unsigned, adjustment_positive decimal(20, 4), adjustment_negative decimal(20, 4),
  base_grand_total decimal(20, 4), grand_total decimal(20, 4),
  subtotal decimal(20, 4), base_subtotal decimal(20, 4), tax_amount decimal(20, 4), base_to_order_rate decimal(20, 4), order_id int unsigned not null, creditmemo_status int, state int,
  invoice_id int, transaction_id varchar(255), order_currency_code varchar(3), base_currency_code varchar(3),
  increment_id varchar(50), created_at timestamp not null default current_timestamp,
  updated_at timestamp not null default current_timestamp on update current_timestamp,
  unique key increment_id_store_id (increment_id, store_id), key state (state),
  foreign key (order_id) references sales_order (entity_id) on delete cascade
);
create table sales_shipment (
  entity_id int unsigned auto_increment primary key,
  store_id smallint unsigned, total_weight decimal(12, 4), total_qty decimal(12, 4), order_id int unsigned not null,
  customer_id int, shipping_address_id int, shipment_status int, increment_id varchar(50),
  created_at timestamp not null default current_timestamp,
  updated_at timestamp not null default current_timestamp on update current_timestamp,
  unique key increment_id_store_id (increment_id, store_id),
  foreign key (order_id) references sales_order (entity_id) on delete cascade
);
create table sales_shipment_track (
  entity_id int unsigned auto_increment primary key,
  parent_id int unsigned not null, weight decimal(12, 4), qty decimal(12, 4), order_id int unsigned not null,
  track_number text, description text, title varchar(255), carrier_code varchar(32),
  created_at timestamp not null default current_timestamp,
  updated_at timestamp not null default current_timestamp on update current_timestamp,
  key order_id (order_id), foreign key (parent_id) references sales_shipment (entity_id) on delete cascade
);
create table inventory_source_item (
  source_item_id int unsigned auto_increment primary key,
  source_code varchar(255) not null, sku varchar(64) not null, quantity decimal(12, 4) not null default 0,
  status smallint unsigned not null default 0, unique key source_code_sku (source_code, sku)
);
create table inventory_reservation (
  reservation_id int unsigned auto_increment primary key,
  stock_id int unsigned not null, sku varchar(64) not null, quantity decimal(10, 4) not null default 0, metadata varchar(255),
  key stock_id_sku_quantity (stock_id, sku, quantity)
);
