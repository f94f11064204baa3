-- The tables of a WooCommerce shop that keeps its orders in tables of its own (HPOS), as far as its orders go. Written
-- for MariaDB from what the projects' sources say of them: names, types, keys.
--   woocommerce/woocommerce at 000233cc9f47: OrdersTableDataStore::get_database_schema, WC_Install::get_schema
--   WordPress: wp-admin/includes/schema.php (users, usermeta, options, postmeta, comments)
-- Neither declares a foreign key.

create table wp_wc_orders (
  id bigint unsigned primary key,
  status varchar(20), currency varchar(10), type varchar(20),
  tax_amount decimal(26, 8), total_amount decimal(26, 8),
  customer_id bigint unsigned, billing_email varchar(320),
  date_created_gmt datetime, date_updated_gmt datetime,
  parent_order_id bigint unsigned,
  payment_method varchar(100), payment_method_title text, transaction_id varchar(100),
  ip_address varchar(100), user_agent text, customer_note text,
  key status (status), key date_created (date_created_gmt),
  key customer_id_billing_email (customer_id, billing_email(171)), key billing_email (billing_email(191)),
  key type_status_date (type, status, date_created_gmt),
  key parent_order_id (parent_order_id), key date_updated (date_updated_gmt)
);
create table wp_wc_order_addresses (
  id bigint unsigned auto_increment primary key,
  order_id bigint unsigned not null, address_type varchar(20),
  first_name text, last_name text, company text, address_1 text, address_2 text,
  city text, state text, postcode text, country text, email varchar(320), phone varchar(100),
  key order_id (order_id), unique key address_type_order_id (address_type, order_id),
  key email (email(191)), key phone (phone)
);
create table wp_wc_order_operational_data (
  id bigint unsigned auto_increment primary key,
  order_id bigint unsigned, created_via varchar(100), woocommerce_version varchar(20),
  prices_include_tax tinyint(1), coupon_usages_are_counted tinyint(1), download_permission_granted tinyint(1),
  cart_hash varchar(100), new_order_email_sent tinyint(1), order_key varchar(100), order_stock_reduced tinyint(1),
  date_paid_gmt datetime, date_completed_gmt datetime,
  shipping_tax_amount decimal(26, 8), shipping_total_amount decimal(26, 8),
  discount_tax_amount decimal(26, 8), discount_total_amount decimal(26, 8),
  recorded_sales tinyint(1),
  unique key order_id (order_id), key order_key (order_key)
);
create table wp_wc_orders_meta (
  id bigint unsigned auto_increment primary key,
  order_id bigint unsigned, meta_key varchar(255), meta_value text,
  key order_id_meta_key_meta_value (order_id, meta_key(100), meta_value(82))
);
create table wp_woocommerce_order_items (
  order_item_id bigint unsigned auto_increment primary key,
  order_item_name text not null, order_item_type varchar(200) not null default '', order_id bigint unsigned not null,
  key order_id (order_id)
);
create table wp_woocommerce_order_itemmeta (
  meta_id bigint unsigned auto_increment primary key,
  order_item_id bigint unsigned not null, meta_key varchar(255) default null, meta_value longtext,
  key order_item_id (order_item_id), key meta_key (meta_key(32))
);
create table wp_wc_product_meta_lookup (
  product_id bigint primary key,
  sku varchar(100) default '', `virtual` tinyint(1) default 0, downloadable tinyint(1) default 0,
  min_price decimal(19, 4), max_price decimal(19, 4), onsale tinyint(1) default 0,
  stock_quantity double, stock_status varchar(100) default 'instock',
  rating_count bigint default 0, average_rating decimal(3, 2) default 0.00, total_sales bigint default 0,
  tax_status varchar(100) default 'taxable', tax_class varchar(100) default ''
);
create table wp_wc_reserved_stock (
  order_id bigint not null, product_id bigint not null, stock_quantity double not null default 0,
  timestamp datetime not null, expires datetime not null,
  primary key (order_id, product_id)
);
create table wp_users (
  ID bigint unsigned auto_increment primary key,
  user_login varchar(60) not null default '', user_email varchar(100) not null default '',
  user_registered datetime not null, display_name varchar(250) not null default '',
  key user_email (user_email)
);
create table wp_usermeta (
  umeta_id bigint unsigned auto_increment primary key,
  user_id bigint unsigned not null default 0, meta_key varchar(255), meta_value longtext,
  key user_id (user_id), key meta_key (meta_key(191))
);
create table wp_options (
  option_id bigint unsigned auto_increment primary key,
  option_name varchar(191) not null default '', option_value longtext not null,
  autoload varchar(20) not null default 'yes', unique key option_name (option_name)
);
create table wp_postmeta (
  meta_id bigint unsigned auto_increment primary key,
  post_id bigint unsigned not null default 0, meta_key varchar(255), meta_value longtext,
  key post_id (post_id), key meta_key (meta_key(191))
);
create table wp_comments (
  comment_ID bigint unsigned auto_increment primary key,
  comment_post_ID bigint unsigned not null default 0, comment_author tinytext not null,
  comment_date datetime not null, comment_date_gmt datetime not null,
  comment_content text not null, comment_type varchar(20) not null default 'comment',
  key comment_post_ID (comment_post_ID)
);
