select
    account || '/' || product_id as product_key,
    account,
    product_id,
    offer_id,
    name,
    valid_from as changed_at,
    currency_code,
    previous_price,
    price,
    change_pct
from {{ source('ozon_bi', 'price_history') }}
where
    valid_from > current_timestamp - interval '{{ var("ozon_days") }} days'
    and change_pct is not null
