select
    account || '/' || product_id as product_key,
    account || '/' || product_id || '/' || warehouse_id || '/' || stock_type as stock_key,
    account,
    product_id,
    offer_id,
    stock_type,
    warehouse_id,
    warehouse_name,
    present,
    reserved,
    available,
    fetched_at
from {{ source('ozon_bi', 'stock_by_warehouse') }}
